//! One pass over wiki markup that finds every range to cut.
//!
//! Brackets are matched with a stack. A closer takes the nearest opener of its kind and discards the unclosed ones in
//! between; links end at a blank line, external links at the end of their line, and nothing reaches over a section title. An
//! opener is pushed once and popped once, so the pass is linear.

use super::Page;
use super::UNCLOSED;
use super::cut::Cut;
use super::link;
use super::tag::{self, Tag};
use super::template;
use super::variant;

/// All ranges of `text` that are no prose. With `mark`, a template that leaves nothing leaves its name between marks.
pub fn cuts(page: &Page, text: &str, mark: bool) -> Vec<Cut> {
    let mut scanner = Scanner {
        page,
        mark,
        text,
        at: 0,
        leading: true,
        open: Vec::new(),
        waiting: [0; 5],
        cuts: Vec::new(),
        missing: Vec::new(),
    };
    scanner.title_line();
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner.discard_all();
    scanner.cuts
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Construct {
    Template,
    Table,
    Link,
    External,
    /// Variants of a language.
    Variant,
}

/// An opener that waits for its closer.
struct Opener {
    kind: Construct,
    /// Where it starts.
    at: usize,
    /// Where its content starts.
    inside: usize,
    /// The `|` directly inside.
    pipes: Vec<usize>,
    /// How many cuts there were when it was opened: those after it lie behind its start.
    cuts: usize,
}

struct Scanner<'a> {
    page: &'a Page<'a>,
    mark: bool,
    text: &'a str,
    at: usize,
    /// Only blanks and list markers so far on this line.
    leading: bool,
    open: Vec<Opener>,
    /// How many openers of each kind are open.
    waiting: [usize; 5],
    cuts: Vec<Cut>,
    /// Closing markers that do not occur any more: looked for once, not again and again.
    missing: Vec<&'static str>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn cut(&mut self, start: usize, end: usize) {
        self.replace(start, end, "");
    }

    fn replace(&mut self, start: usize, end: usize, with: &'static str) {
        self.cuts.push(Cut { range: start..end, with: with.into() });
    }

    /// Passes the next token.
    fn step(&mut self) {
        let rest = self.rest().as_bytes();
        let next = rest.get(1).copied().unwrap_or(0);
        match rest[0] {
            b'\n' => return self.newline(),
            b'<' => return self.angle(),
            b'{' if self.leading && next == b'|' => self.push(Construct::Table, 2),
            b'{' if next == b'{' => self.open_braces(),
            b'}' if next == b'}' => self.close_braces(),
            b'-' if next == b'{' && rest.get(2) != Some(&b'{') && variant::has(&self.page.site.language) => {
                self.push(Construct::Variant, 2);
            }
            b'}' if next == b'-' && self.waiting[Construct::Variant as usize] > 0 => self.close_variant(),
            b'|' => self.pipe(),
            b'[' if next == b'[' => self.push(Construct::Link, 2),
            b'[' => self.open_external(),
            b']' => self.close_bracket(next == b']'),
            b' ' | b'\t' | b':' | b'*' | b'#' => {
                self.at += 1;
                return;
            }
            _ => self.at += self.rest().chars().next().map_or(1, char::len_utf8),
        }
        self.leading = false;
    }

    fn push(&mut self, kind: Construct, width: usize) {
        self.waiting[kind as usize] += 1;
        let cuts = self.cuts.len();
        self.open.push(Opener { kind, at: self.at, inside: self.at + width, pipes: Vec::new(), cuts });
        self.at += width;
    }

    fn top(&self) -> Option<Construct> {
        self.open.last().map(|opener| opener.kind)
    }

    /// The nearest opener of a kind; unclosed ones above it are discarded.
    fn pop(&mut self, kind: Construct) -> Option<Opener> {
        // Without the count, every stray closer would look through the whole stack, and the pass would not be linear.
        if self.waiting[kind as usize] == 0 {
            return None;
        }
        while self.top() != Some(kind) {
            self.discard();
        }
        self.waiting[kind as usize] -= 1;
        self.open.pop()
    }

    /// Gives up the innermost opener: only its own characters go.
    fn discard(&mut self) {
        let Some(opener) = self.open.pop() else { return };
        self.waiting[opener.kind as usize] -= 1;
        match opener.kind {
            // The attributes of a table or the name of a template are on the opener's line.
            Construct::Table => {
                let end = self.text[opener.at..].find('\n').unwrap_or(self.text.len() - opener.at);
                self.replace(opener.at, opener.at + end, UNCLOSED);
            }
            Construct::Template => self.replace(opener.at, opener.inside, UNCLOSED),
            Construct::Link => self.cut(opener.at, opener.inside),
            // Its address is cut when it is opened.
            Construct::External | Construct::Variant => {}
        }
    }

    fn discard_all(&mut self) {
        while !self.open.is_empty() {
            self.discard();
        }
    }

    fn newline(&mut self) {
        self.at += 1;
        self.leading = true;
        let blank = self.rest().trim_start_matches([' ', '\t']).starts_with('\n');
        while match self.open.last() {
            Some(Opener { kind: Construct::External, .. }) => true,
            Some(opener @ Opener { kind: Construct::Link, .. }) => blank && !self.may_go_on(opener),
            _ => false,
        } {
            self.discard();
        }
        self.title_line();
    }

    /// Whether a link may have an empty line in it: only the caption of a picture, and not any length of it.
    fn may_go_on(&self, opener: &Opener) -> bool {
        const LONGEST: usize = 4000;
        self.at - opener.at <= LONGEST && link::is_media(self.page.site, &self.text[opener.inside..])
    }

    /// At the start of a line: nothing opened before a section title is closed after it.
    fn title_line(&mut self) {
        if self.rest().starts_with("==") {
            let line = self.rest().lines().next().unwrap_or("");
            if line.trim_start_matches('=').contains("==") {
                self.discard_all();
            }
        }
    }

    /// A run of `{`: openers of two, the last of three if the run is odd (a parameter, `{{{1}}}`).
    fn open_braces(&mut self) {
        let mut run = run(self.rest(), b'{');
        while run >= 2 {
            let width = if run == 3 { 3 } else { 2 };
            self.push(Construct::Template, width);
            run -= width;
        }
    }

    /// A run of `}`: closers of two, the last of three if the run is odd.
    fn close_braces(&mut self) {
        let mut run = run(self.rest(), b'}');
        while run >= 2 {
            let width = if run == 3 { 3 } else { 2 };
            self.close_template(width);
            run -= width;
        }
    }

    fn close_template(&mut self, width: usize) {
        let (close, end) = (self.at, self.at + width);
        self.at = end;
        match self.pop(Construct::Template) {
            // `{{(!}}` and `{{!)}}` are the brackets of a table, written so that templates do not see their bars.
            Some(opener) if self.text[opener.inside..close].trim() == "(!" => {
                self.waiting[Construct::Table as usize] += 1;
                self.open.push(Opener { kind: Construct::Table, ..opener });
            }
            Some(opener) if self.text[opener.inside..close].trim() == "!)" => {
                let from = self.pop(Construct::Table).map_or(opener.at, |table| table.at);
                self.cut(from, end);
            }
            Some(opener) => {
                let pieces = pieces(self.text, opener.inside, &opener.pipes, close);
                let call =
                    template::Call { text: self.text, range: opener.at..end, pieces: &pieces, inner: opener.cuts };
                template::cuts(self.page, &call, self.mark, &mut self.cuts);
            }
            None => self.cut(close, end),
        }
    }

    fn close_variant(&mut self) {
        self.at += 2;
        if let Some(opener) = self.pop(Construct::Variant) {
            variant::cuts(self.text, opener.at, opener.pipes.first().copied(), self.at, &mut self.cuts);
        }
    }

    /// `|`, or the end of a table, `|}`; but not the `|}}` at the end of a template.
    fn pipe(&mut self) {
        let braces = run(&self.rest()[1..], b'}');
        let ends_table = self.leading && braces % 2 == 1 && (braces == 1 || self.top() == Some(Construct::Table));
        if let Some(opener) = ends_table.then(|| self.pop(Construct::Table)).flatten() {
            self.cut(opener.at, self.at + 2);
            self.at += 2;
            return;
        }
        if let Some(opener) = self.open.last_mut() {
            opener.pipes.push(self.at);
        }
        self.at += 1;
    }

    /// `[http://... label]`: the address goes at once, whether or not the bracket is ever closed.
    fn open_external(&mut self) {
        match link::address(&self.rest()[1..]) {
            0 => self.at += 1,
            address => {
                let end = self.at + 1 + address;
                self.cut(self.at, end);
                self.push(Construct::External, 1 + address);
            }
        }
    }

    fn close_bracket(&mut self, double: bool) {
        if self.top() == Some(Construct::External) {
            self.pop(Construct::External);
            self.cut(self.at, self.at + 1);
            self.at += 1;
        } else if double {
            let (close, end) = (self.at, self.at + 2);
            self.at = end;
            match self.pop(Construct::Link) {
                Some(opener) => {
                    let pieces = pieces(self.text, opener.inside, &opener.pipes, close);
                    link::cuts(self.page.site, opener.at, end, &pieces, &mut self.cuts);
                }
                None => self.cut(close, end),
            }
        } else {
            self.at += 1;
        }
    }

    /// A comment, a tag, or a mere `<`.
    fn angle(&mut self) {
        let start = self.at;
        if self.rest().starts_with("<!--") {
            let end = self.find("-->", start + 4).map_or(start + 4, |close| close + 3);
            self.cut(start, end);
            self.at = end;
            return;
        }
        let Some(found) = tag::at(self.rest()) else {
            self.at += 1;
            self.leading = false;
            return;
        };
        let inside = start + found.width;
        self.at = inside;
        match found.kind {
            tag::Effect::Inline => self.cut(start, inside),
            tag::Effect::Break => self.replace(start, inside, " "),
            tag::Effect::Block => self.replace(start, inside, "\n\n"),
            tag::Effect::Hidden | tag::Effect::Verbatim if !found.opens => self.cut(start, inside),
            tag::Effect::Hidden => {
                let end = self.element_end(&found, inside).map_or(inside, |(_, end)| end);
                self.cut(start, end);
                self.at = end;
            }
            tag::Effect::Verbatim => {
                self.cut(start, inside);
                if let Some((close, end)) = self.element_end(&found, inside) {
                    self.cut(close, end);
                    self.at = end;
                }
            }
        }
    }

    /// Start and end of the closing tag of an element whose content is not looked at. An element that is opened again
    /// before it is closed was not meant to be open: a `<ref name="x">` that lacks its slash must not swallow the text up
    /// to the next reference.
    fn element_end(&mut self, tag: &Tag, inside: usize) -> Option<(usize, usize)> {
        if self.missing.contains(&tag.name) {
            return None;
        }
        let mut from = inside;
        while let Some(offset) = self.text[from..].find('<') {
            let at = from + offset;
            match tag::at(&self.text[at..]) {
                Some(next) if next.name == tag.name && next.closes => return Some((at, at + next.width)),
                Some(next) if next.name == tag.name && next.opens => return None,
                Some(next) => from = at + next.width,
                None => from = at + 1,
            }
        }
        self.missing.push(tag.name);
        None
    }

    /// The next `marker` at or after `from`.
    fn find(&mut self, marker: &'static str, from: usize) -> Option<usize> {
        if self.missing.contains(&marker) {
            return None;
        }
        let found = self.text[from..].find(marker);
        if found.is_none() {
            self.missing.push(marker);
        }
        found.map(|offset| from + offset)
    }
}

/// How often `byte` stands at the start of `text`.
fn run(text: &str, byte: u8) -> usize {
    text.bytes().take_while(|&b| b == byte).count()
}

/// The parts between `pipes` of `text[from..to]`, as places and text.
fn pieces<'a>(text: &'a str, from: usize, pipes: &[usize], to: usize) -> Vec<(usize, &'a str)> {
    let starts = std::iter::once(from).chain(pipes.iter().map(|pipe| pipe + 1));
    let ends = pipes.iter().copied().chain(std::iter::once(to));
    starts.zip(ends).map(|(start, end)| (start, &text[start..end])).collect()
}
