//! Which fields of a record hold its answers.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Object;
use super::template::{lookup, text_of};

/// The fields that hold answers, each a text, a number or a list of them; any of the answers will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Answers(Vec<Answer>);

/// One field with answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

/// A field of which only the end is the answer.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an answer: FIELD, or {field: FIELD, after: MARK}")]
#[schemars(inline)]
pub(super) struct Marked {
    /// The field; dots reach into objects.
    field: String,
    /// The answer is what follows the last occurrence of this text.
    after: Option<String>,
}

/// How answers are written, for the schema only.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
#[allow(dead_code)]
pub(super) enum Written {
    /// The one field there is.
    One(WrittenOne),
    /// Several fields.
    Several(#[schemars(length(min = 1))] Vec<WrittenOne>),
}

/// One field, for the schema only.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "Answer")]
#[allow(dead_code)]
pub(super) enum WrittenOne {
    /// A field; dots reach into objects.
    Field(String),
    /// A field of which only the end is the answer.
    Marked(Marked),
}

impl Answers {
    /// The fields.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|answer| answer.field.as_str())
    }

    /// The answers of a record, at least one, without repetitions, in the order of the fields; or what is wrong with the record.
    pub(super) fn of(&self, record: &Object) -> Result<Vec<String>, String> {
        let mut answers: Vec<String> = Vec::new();
        for one in &self.0 {
            for answer in one.of(record)? {
                if !answer.is_empty() && !answers.contains(&answer) {
                    answers.push(answer);
                }
            }
        }
        if answers.is_empty() {
            let fields: Vec<&str> = self.fields().collect();
            return Err(format!("there is no answer in `{}`: a record has at least one", fields.join("`, `")));
        }
        Ok(answers)
    }
}

impl Answer {
    fn of(&self, record: &Object) -> Result<Vec<String>, String> {
        let value = lookup(record, &self.field)?;
        let values = if let Value::Array(values) = value { values.as_slice() } else { std::slice::from_ref(value) };
        values.iter().map(|value| self.cut(text_of(value, &self.field)?)).collect()
    }

    fn cut(&self, text: String) -> Result<String, String> {
        let Some(mark) = &self.after else { return Ok(text) };
        match text.rsplit_once(mark.as_str()) {
            Some((_, answer)) => Ok(answer.trim().to_owned()),
            None => Err(format!("the field `{}` has no `{mark}`, after which the answer is to stand", self.field)),
        }
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnswerVisitor;
        impl<'de> Visitor<'de> for AnswerVisitor {
            type Value = Answer;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an answer: FIELD, or {field: FIELD, after: MARK}")
            }
            fn visit_str<E: Error>(self, field: &str) -> Result<Answer, E> {
                Ok(Answer { field: field.to_owned(), after: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, pairs: A) -> Result<Answer, A::Error> {
                let Marked { field, after } = Marked::deserialize(MapAccessDeserializer::new(pairs))?;
                Ok(Answer { field, after })
            }
        }
        deserializer.deserialize_any(AnswerVisitor)
    }
}

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnswersVisitor;
        impl<'de> Visitor<'de> for AnswersVisitor {
            type Value = Answers;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("answers: FIELD, {field: FIELD, after: MARK}, or a list of them")
            }
            fn visit_str<E: Error>(self, field: &str) -> Result<Answers, E> {
                Ok(Answers(vec![Answer::deserialize(field.into_deserializer())?]))
            }
            fn visit_map<A: MapAccess<'de>>(self, pairs: A) -> Result<Answers, A::Error> {
                Ok(Answers(vec![Answer::deserialize(MapAccessDeserializer::new(pairs))?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Answers, A::Error> {
                let answers = Vec::deserialize(SeqAccessDeserializer::new(elements))?;
                if answers.is_empty() {
                    return Err(A::Error::custom("name at least one field with answers"));
                }
                Ok(Answers(answers))
            }
        }
        deserializer.deserialize_any(AnswersVisitor)
    }
}
