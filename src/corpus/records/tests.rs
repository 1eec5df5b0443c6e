use std::fs;

use polars_arrow::array::{Array, Int64Array, ListArray, StructArray, Utf8ViewArray};

use super::*;
use crate::corpus::{Format, Text, read};

fn records(yaml: &str) -> Records {
    crate::yaml::parse(yaml, "test").and_then(|node| crate::yaml::from_node(&node)).unwrap_or_else(|e| panic!("{e}"))
}

/// What is wrong with records as they are written.
fn refused(yaml: &str) -> String {
    crate::yaml::parse(yaml, "t").and_then(|node| crate::yaml::from_node::<Records>(&node)).expect_err(yaml).to_string()
}

const QUESTIONS: &str = "file: jsonl
text: \"{passage} {question} {answer}\"
prompt: \"Question: {passage} {question}\\nAnswer:\"
response: \" {answer}\"
answers: answer
score: number
parts: {train: [0, 80], test: [80, 100]}
";

const NESTED: &str =
    "{file: FILE, text: '{q}', prompt: 'Q: {q}?', response: ' {a.value}', answers: [a.value, a.aliases], score: text}";

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Vec<PathBuf> {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        vec![path]
    }

    /// What is wrong with a file, without this folder's path.
    fn error(&self, records: &Records, split: &str, content: impl AsRef<[u8]>) -> String {
        let said = examples(records, split, &self.file("data", content)).unwrap_err().to_string();
        said.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn questions(count: usize) -> Vec<String> {
    let line = |i: usize| {
        format!("{{\"passage\": \"There are {i}.\", \"question\": \"How many? \", \"answer\": \"{i} x\"}}\n")
    };
    (0..count).map(line).collect()
}

#[test]
fn templates_take_values_from_records() {
    let record = serde_json::json!({"a": " x \n", "n": 2.50, "l": [["first"], "second"], "o": {"p": {"q": "deep"}}, "d.e": "dot"});
    let Value::Object(record) = record else { unreachable!() };
    let render = |written: &str| Template::parse(written).unwrap().render(&record);
    assert_eq!(render("{a}|{ n }|{l}|{o.p.q}|{d.e}").unwrap(), "x|2.5|first|deep|dot");
    assert_eq!(render("{{a}} {{{a}}} }}{{").err(), None);
    assert_eq!(render("{{a}} {{{a}}} }}{{").unwrap(), "{a} {x} }{");
    let wrong = |written: &str| render(written).unwrap_err();
    assert_eq!(wrong("{o}"), "the field `o` holds an object; name a part of it: o.p");
    assert_eq!(wrong("{o.p.z}"), "in `o`, in `p`, the object has no field `z`; it has q");
    assert_eq!(wrong("{a.b}"), "`a.b` asks for a part of `a`, which is a string");
    assert!(wrong("{none}").starts_with("the object has no field `none`; it has a, n, l, o, d.e"));
}

#[test]
fn templates_that_are_none_are_refused() {
    for (written, said) in [
        ("{a", "a `{` without its `}`"),
        ("{a {b}", "a `{` without its `}`"),
        ("a}", "a `}` without its `{`"),
        ("{ }", "names no field"),
        ("no field", "names no field"),
        ("{{a}}", "names no field"),
    ] {
        let error = Template::parse(written).unwrap_err();
        assert!(error.contains(said), "{written}: {error}");
    }
}

#[test]
fn what_is_wrong_is_said_where_it_is_written() {
    let with = |from: &str, to: &str| refused(&QUESTIONS.replace(from, to));
    assert!(with("{passage} {question} {answer}", "{passage").starts_with("t:2:7: a `{` without its `}`"));
    assert!(
        with("[0, 80]", "[0, 101]").starts_with("t:7:16: [0, 101] is not a part"),
        "{}",
        with("[0, 80]", "[0, 101]")
    );
    assert!(with("[0, 80]", "[80, 80]").contains("[80, 80] is not a part"));
    assert!(with("[0, 80]", "[0, 300]").contains("[0, 300] is not a part"));
    assert!(with("[0, 80]", "[0]").starts_with("t:7:16:"), "{}", with("[0, 80]", "[0]"));
    assert!(with("[0, 80]", "[0, 80, 90]").contains("one element more than expected"));
    assert!(with("[0, 80]", "[0, 0.8]").starts_with("t:7:"));
    assert!(with("[0, 80]", "[0, 81]").contains("the parts `train` and `test` overlap"));
    assert!(with("answers: answer", "answers: []").starts_with("t:5:10: name at least one field"));
    assert!(with("answers: answer", "answers: {feld: answer}").contains("did you mean `field`?"));
    assert!(with("score: number", "score: numbers").contains("did you mean `number`?"));
    assert!(with("file: jsonl", "file: csv").contains("csv"));
    assert!(with("score: number\n", "").contains("score"));
}

/// Results are kept under a key that has the format as JSON, so it reads as it was written and is written the same.
#[test]
fn records_read_what_they_write() {
    for yaml in [
        QUESTIONS,
        &NESTED.replace("FILE", "json"),
        &QUESTIONS.replace("answers: answer", "answers: {field: answer, after: '#'}"),
    ] {
        let records = records(yaml);
        let written = serde_json::to_string(&Format::Records(Box::new(records.clone()))).unwrap();
        assert_eq!(serde_json::from_str::<Format>(&written).unwrap(), Format::Records(Box::new(records)), "{written}");
    }
    let written = serde_json::to_value(records(QUESTIONS)).unwrap();
    assert_eq!(written["parts"], serde_json::json!({"test": [80, 100], "train": [0, 80]}));
    assert_eq!(written["answers"], serde_json::json!([{"field": "answer"}]));
    assert!(written.get("group").is_none());
}

#[test]
fn examples_and_texts_follow_the_file() {
    let bench = Bench::new();
    let records = records(QUESTIONS);
    let files = bench.file("data", questions(50).concat().replace('\n', "\n\n"));
    let all = examples(&records, "all", &files).unwrap();
    assert_eq!(all.len(), 50);
    let third = Example {
        record: 2,
        prompt: "Question: There are 2. How many?\nAnswer:".into(),
        response: " 2 x".into(),
        answers: vec!["2 x".into()],
    };
    assert_eq!(all[2], third);
    let Text { documents } = read(&Format::Records(Box::new(records.clone())), "all", &files).unwrap();
    assert_eq!(documents[2], "There are 2. How many? 2 x");
    let train = examples(&records, "train", &files).unwrap();
    let Text { documents } = read(&Format::Records(Box::new(records)), "train", &files).unwrap();
    assert_eq!(documents.len(), train.len());
    assert!(train.iter().all(|example| all[example.record] == *example));
    assert!(train.is_sorted_by_key(|example| example.record));
}

#[test]
fn indices_go_on_from_file_to_file() {
    let bench = Bench::new();
    let lines = questions(6);
    let mut files = bench.file("one", lines[..4].concat());
    files.extend(bench.file("two", lines[4..].concat()));
    let all = examples(&records(QUESTIONS), "all", &files).unwrap();
    assert_eq!(all.iter().map(|example| example.record).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
}

/// A part is a set of questions: it holds those of any order of the file, and equal ones together.
#[test]
fn parts_are_of_questions() {
    let bench = Bench::new();
    let records = records(QUESTIONS);
    let mut lines = questions(400);
    let prompts = |lines: &[String], split: &str| {
        let examples = examples(&records, split, &bench.file("data", lines.concat())).unwrap();
        examples.into_iter().map(|example| example.prompt).collect::<BTreeSet<_>>()
    };
    let (train, test) = (prompts(&lines, "train"), prompts(&lines, "test"));
    assert!(train.is_disjoint(&test));
    assert_eq!(train.len() + test.len(), 400);
    assert!((280..360).contains(&train.len()), "{}", train.len());
    lines.reverse();
    lines.extend(questions(400).iter().map(|line| line.replace(" x\"", " other\"")));
    assert_eq!((prompts(&lines, "train"), prompts(&lines, "test")), (train, test));
}

/// Which questions are which part is in results already made: the hash stays.
#[test]
fn the_hash_of_parts_is_fixed() {
    let bench = Bench::new();
    let files = bench.file("data", questions(20).concat());
    let test = examples(&records(QUESTIONS), "test", &files).unwrap();
    assert_eq!(test.iter().map(|example| example.record).collect::<Vec<_>>(), [2, 9]);
}

#[test]
fn a_group_decides_where_it_is_given() {
    let bench = Bench::new();
    let reworded = QUESTIONS.replace("Question: ", "Q: ");
    let files = bench.file("data", questions(100).concat());
    let test = |yaml: &str| -> Vec<usize> {
        examples(&records(yaml), "test", &files).unwrap().iter().map(|example| example.record).collect()
    };
    assert_ne!(test(QUESTIONS), test(&reworded));
    let group = "group: \"{passage}\"\n";
    assert_eq!(test(&(QUESTIONS.to_owned() + group)), test(&(reworded + group)));
}

#[test]
fn answers_come_from_lists_objects_and_after_marks() {
    let bench = Bench::new();
    let nested = records(&NESTED.replace("FILE", "json"));
    let content = r#" [ {"q": "one", "a": {"value": "X", "aliases": [" X ", "Y", "", "Y"]}},
        {"q": "two", "a": {"value": 2, "aliases": []}} ] "#;
    let all = examples(&nested, "all", &bench.file("data", content)).unwrap();
    assert_eq!(all[0].answers, ["X", "Y"]);
    assert_eq!(
        all[1],
        Example { record: 1, prompt: "Q: two?".into(), response: " 2".into(), answers: vec!["2".into()] }
    );

    let marked =
        "{file: jsonl, text: '{q}', prompt: '{q}', response: '{a}', answers: {field: a, after: '####'}, score: number}";
    let content = r#"{"q": "six?", "a": "3 #### no\n#### 1,006 "}"#;
    let all = examples(&records(marked), "all", &bench.file("data", content)).unwrap();
    assert_eq!(all[0].answers, ["1,006"]);
    let error = bench.error(&records(marked), "all", r#"{"q": "six?", "a": "1,006 "}"#);
    assert_eq!(error, "data, line 1: the field `a` has no `####`, after which the answer is to stand");
}

#[test]
fn broken_lines_are_named() {
    let bench = Bench::new();
    let records = records(QUESTIONS);
    let error = |content: &str| bench.error(&records, "all", content);
    let good = "{\"passage\": \"p\", \"question\": \"q\", \"answer\": \"a\"}\n";
    assert!(error(&format!("{good}\n{{\"passage\": ")).starts_with("data, line 3: not one JSON object per line"));
    let misspelt = error(&(good.to_owned() + &good.replace("question", "qestion")));
    assert_eq!(
        misspelt,
        "data, line 2: the object has no field `question`; it has passage, qestion, answer; did you mean `qestion`?"
    );
    assert!(error(&good.replace("\"q\"", "null")).contains("line 1: the field `question` holds null, not text"));
    assert!(error(&good.replace("\"a\"", "[]")).contains("line 1: the list `answer` is empty"));
    assert!(error(&good.replace("\"a\"", "\"  \"")).contains("line 1: the response is blank"));
    assert!(error("\n").contains("no text in data"));
    let part = bench.error(&records, "test", good);
    assert!(part.starts_with("the split `test` is empty: none of the 1 records of data falls into it"), "{part}");
    assert!(matches!(examples(&records, "all", &[]), Err(CorpusError::NoFile)));
    assert!(matches!(examples(&records, "all", &["none".into()]), Err(CorpusError::Read { .. })));
    let no_answer = self::records(&QUESTIONS.replace("answers: answer", "answers: answers"));
    let said = bench.error(&no_answer, "all", good.replace("}", ", \"answers\": [\"\"]}"));
    assert!(said.contains("line 1: there is no answer in `answers`"), "{said}");
}

#[test]
fn broken_arrays_are_named_by_line_and_column() {
    let bench = Bench::new();
    let records = records(&QUESTIONS.replace("jsonl", "json"));
    let error = |content: &str| bench.error(&records, "all", content);
    let good = r#"{"passage": "é", "question": "q", "answer": "a"}"#;
    assert_eq!(error(&format!("[{good},\n {{\"passage\": x}}]")), "data, line 2: column 14: expected value");
    assert_eq!(error(&format!("[{good}\n,{good}, ]")), "data, line 2: column 52: expected value");
    assert!(error(&format!("[{good}")).ends_with("the file ends inside the array"));
    assert!(error(&format!("[{good},")).ends_with("the file ends inside the array"));
    assert!(error(&format!("[{good} {good}]")).ends_with("comes `,` or `]`"));
    assert!(error(&format!("[{good}] x")).ends_with("something follows the array"));
    assert!(error(good).starts_with("data, line 1: column 1: the file is to be one JSON array of objects"));
    assert!(error("[1]").contains("line 1: column 2: invalid type: integer `1`"), "{}", error("[1]"));
    assert_eq!(
        error(&format!("[{good},\n\n {{}}]")),
        "data, line 3: column 2: the object has no field `passage`; it is empty"
    );
    assert!(error("[]").contains("no text in data"));
    assert!(error("").contains("starts with `[`"));
}

/// Whatever is cut off or changed in a file, it ends in examples or in an error.
#[test]
fn damaged_arrays_do_not_panic() {
    let bench = Bench::new();
    let records = records(&QUESTIONS.replace("jsonl", "json"));
    let good = format!("[{}]", questions(2).join(","));
    for length in 0..good.len() - 1 {
        assert!(examples(&records, "all", &bench.file("data", &good[..length])).is_err(), "cut at {length}");
    }
    for at in 0..good.len() {
        for flip in [1, 0x5a, 0x80] {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= flip;
            let _ = examples(&records, "all", &bench.file("data", bytes));
        }
    }
}

/// Rows of `q: str, a: {value: str, aliases: [str]}, n: i64` as bytes of a parquet file.
fn parquet(rows: &[(&str, &str, &[&str])]) -> Vec<u8> {
    use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, Field};
    use polars_arrow::offset::OffsetsBuffer;
    use polars_arrow::record_batch::RecordBatchT;
    use polars_parquet::write::{
        CompressionOptions, Encoding, FileWriter, RowGroupIterator, StatisticsOptions, Version, WriteOptions,
    };
    let texts = |texts: Vec<&str>| Utf8ViewArray::from_slice_values(texts).boxed();
    let aliases_type = ListArray::<i64>::default_datatype(ArrowDataType::Utf8View);
    let mut ends = vec![0i64];
    ends.extend(rows.iter().scan(0, |end, row| {
        *end += row.2.len() as i64;
        Some(*end)
    }));
    let all = rows.iter().flat_map(|row| row.2.iter().copied()).collect();
    let aliases =
        ListArray::new(aliases_type.clone(), OffsetsBuffer::try_from(ends).unwrap(), texts(all), None).boxed();
    let fields = vec![
        Field::new("value".into(), ArrowDataType::Utf8View, true),
        Field::new("aliases".into(), aliases_type, true),
    ];
    let object = ArrowDataType::Struct(fields);
    let values = vec![texts(rows.iter().map(|row| row.1).collect()), aliases];
    let schema: ArrowSchema = [
        Field::new("q".into(), ArrowDataType::Utf8View, true),
        Field::new("a".into(), object.clone(), true),
        Field::new("n".into(), ArrowDataType::Int64, true),
    ]
    .into_iter()
    .map(|field| (field.name.clone(), field))
    .collect();
    let columns: Vec<Box<dyn Array>> = vec![
        texts(rows.iter().map(|row| row.0).collect()),
        StructArray::new(object, rows.len(), values, None).boxed(),
        Int64Array::from_vec((0..rows.len() as i64).collect()).boxed(),
    ];
    let batch = RecordBatchT::new(rows.len(), std::sync::Arc::new(schema.clone()), columns);
    let options = WriteOptions {
        statistics: StatisticsOptions::empty(),
        compression: CompressionOptions::Snappy,
        version: Version::V1,
        data_page_size: None,
    };
    let encodings = vec![vec![Encoding::Plain], vec![Encoding::Plain; 2], vec![Encoding::Plain]].into();
    let groups = RowGroupIterator::try_new([Ok(batch)].into_iter(), &schema, options, encodings).unwrap();
    let mut writer = FileWriter::try_new(Vec::new(), schema, options).unwrap();
    for group in groups {
        writer.write(rows.len() as u64, group.unwrap()).unwrap();
    }
    writer.end(None).unwrap();
    writer.into_inner()
}

#[test]
fn parquet_rows_are_objects() {
    let bench = Bench::new();
    let nested = |yaml: &str| records(&yaml.replace("FILE", "parquet"));
    let content = parquet(&[("one ", "X", &["X", "Y"]), ("two", "", &["Z"]), ("three", "W", &[])]);
    let files = bench.file("data", &content);
    let all = examples(&nested(&NESTED.replace(" {a.value}", " {n}")), "all", &files).unwrap();
    assert_eq!(
        all[0],
        Example { record: 0, prompt: "Q: one?".into(), response: " 0".into(), answers: vec!["X".into(), "Y".into()] }
    );
    assert_eq!((&all[1].answers, &all[2].answers), (&vec!["Z".to_owned()], &vec!["W".to_owned()]));
    let error = |yaml: &str, content: &[u8]| bench.error(&nested(yaml), "all", content);
    assert_eq!(error(NESTED, &content), "data: row 1: the response is blank");
    assert!(error(&NESTED.replace("{q}?", "{qq}?"), &content).contains("there is no column `qq`; there are q, a, n"));
    assert!(
        error(&NESTED.replace("{a.value}", "{a.valu}"), &content)
            .contains("row 0: in `a`, the object has no field `valu`")
    );
    assert!(error(NESTED, b"{\"q\": 1}").contains("cannot be read as parquet"));
}

#[test]
fn damaged_parquet_does_not_panic() {
    let bench = Bench::new();
    let nested = records(&NESTED.replace("FILE", "parquet"));
    let good = parquet(&[("one", "X", &["X", "Y"]), ("two", "V", &["Z"])]);
    for length in 0..good.len() {
        assert!(examples(&nested, "all", &bench.file("data", &good[..length])).is_err(), "cut at {length}");
    }
    let refused = (0..good.len()).filter(|&at| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x5a;
        examples(&nested, "all", &bench.file("data", bytes)).is_err()
    });
    assert!(refused.count() > good.len() / 4);
}

/// Python's universal newlines: the same records, whatever the line ends and a byte order mark.
#[test]
fn line_ends_do_not_change_records() {
    let bench = Bench::new();
    let lines: String = questions(9).concat();
    let array = format!("\u{feff}[\n{}\n]\n", questions(9).join(",\n"));
    for (file, content) in [("jsonl", lines), ("json", array)] {
        let records = records(&QUESTIONS.replace("file: jsonl", &format!("file: {file}")));
        let read = |content: String| examples(&records, "all", &bench.file("data", content)).unwrap();
        let expected = read(content.clone());
        assert_eq!(expected.len(), 9);
        assert_eq!(read(content.replace('\n', "\r\n")), expected, "{file}");
        assert_eq!(read(content.replace('\n', "\r")), expected, "{file}");
    }
}
