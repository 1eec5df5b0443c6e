//! Stripped markup to titles, paragraphs and list items; sections with nothing left in them are dropped.

use super::{Article, Page, UNCLOSED, apparatus, clean};

/// A paragraph at least this long, in characters, is running text.
const RUNNING_TEXT: usize = 120;

#[derive(Debug, PartialEq)]
enum Block {
    /// Level 2 for `== Title ==`, and so on.
    Title {
        level: usize,
        text: String,
    },
    Paragraph(String),
    Item(String),
}

/// The article of a page whose markup is stripped.
pub fn article(page: &Page, stripped: &str) -> Article {
    let mut blocks = blocks(stripped);
    drop_apparatus(&page.site.language, &mut blocks);
    drop_empty_sections(&mut blocks);
    let prose =
        blocks.iter().map(|block| if let Block::Paragraph(text) = block { text.chars().count() } else { 0 }).sum();
    Article { text: layout(page.title, &blocks), prose }
}

/// The blocks of the lines. As in MediaWiki, lines of text with no empty line between them are one paragraph, but lines
/// that begin with a blank (preformatted text) stay lines.
fn blocks(stripped: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut goes_on = false;
    let mut in_table = false;
    for line in stripped.lines() {
        in_table |= line.contains(UNCLOSED);
        let next = block(line, in_table);
        in_table &= !matches!(next, Some(Block::Title { .. }));
        match (next, blocks.last_mut()) {
            (Some(Block::Paragraph(text)), Some(Block::Paragraph(last))) if goes_on && !line.starts_with(' ') => {
                last.push(' ');
                last.push_str(&text);
            }
            (next, _) => {
                goes_on = matches!(next, Some(Block::Paragraph(_)));
                blocks.extend(next);
            }
        }
    }
    blocks
}

/// What one line is; `None` if nothing is left of it.
fn block(line: &str, in_table: bool) -> Option<Block> {
    let line = line.trim();
    if line.starts_with("----") || line.starts_with(['|', '!']) && (in_table || is_cell(line)) {
        return None;
    }
    let level = line.bytes().take_while(|&b| b == b'=').count();
    let right = line.bytes().rev().take_while(|&b| b == b'=').count();
    if level > 0 && right > 0 && level < line.len() {
        let level = level.min(right).min(6);
        let text = clean::line(line[level..line.len() - level].trim_matches('='))?;
        return Some(Block::Title { level, text });
    }
    let content = line.trim_start_matches(['*', '#', ':', ';', ' ']);
    let text = clean::line(content)?;
    match content.len() == line.len() {
        true => Some(Block::Paragraph(text)),
        false => Some(Block::Item(text)),
    }
}

/// Whether a line that starts with a bar or an exclamation mark is one of a table or template whose opener is not to be seen,
/// as when a template opened it: `|-`, `| a || b`, `| name = value`. Else it is text: `|x| is the absolute value of x.`
fn is_cell(line: &str) -> bool {
    let name = |rest: &str| {
        let name = rest.split('=').next().unwrap_or("").trim();
        rest.contains('=') && name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-'))
    };
    ["|-", "|+", "|}"].iter().any(|start| line.starts_with(start))
        || line.contains("||")
        || line.contains("!!")
        || name(&line[1..])
}

fn drop_apparatus(language: &str, blocks: &mut Vec<Block>) {
    let mut kept = Vec::with_capacity(blocks.len());
    let mut rest = std::mem::take(blocks).into_iter().peekable();
    while let Some(block) = rest.next() {
        let Block::Title { level, text } = &block else {
            kept.push(block);
            continue;
        };
        let (level, apparatus) = (*level, apparatus::is(language, text));
        let from = kept.len();
        kept.push(block);
        if !apparatus {
            continue;
        }
        let inside = |next: &Block| !matches!(next, Block::Title { level: other, .. } if *other <= level);
        while let Some(next) = rest.next_if(inside) {
            kept.push(next);
        }
        let running = |block: &Block| matches!(block, Block::Paragraph(text) if text.chars().count() >= RUNNING_TEXT);
        if !kept[from..].iter().any(running) {
            kept.truncate(from);
        }
    }
    *blocks = kept;
}

/// Drops titles with nothing between them and the next title of their level or above.
fn drop_empty_sections(blocks: &mut Vec<Block>) {
    // From the end, what follows a title is already settled: a title that stays is one of a section with content.
    let mut kept: Vec<Block> = Vec::with_capacity(blocks.len());
    while let Some(block) = blocks.pop() {
        let empty = match (&block, kept.last()) {
            (Block::Title { .. }, None) => true,
            (Block::Title { level, .. }, Some(Block::Title { level: next, .. })) => next <= level,
            _ => false,
        };
        if !empty {
            kept.push(block);
        }
    }
    kept.reverse();
    *blocks = kept;
}

/// Wikitext's layout: titles in spaced signs of equality, an empty line between blocks, list items on consecutive lines.
fn layout(title: &str, blocks: &[Block]) -> String {
    let mut text = format!(" = {title} = ");
    let mut in_list = false;
    for block in blocks {
        let item = matches!(block, Block::Item(_));
        text.push_str(if item && in_list { "\n" } else { "\n\n" });
        in_list = item;
        match block {
            Block::Title { level, text: title } => {
                let signs = "= ".repeat(*level);
                text.push_str(&format!(" {signs}{title} {signs}"));
            }
            Block::Paragraph(content) | Block::Item(content) => text.push_str(content),
        }
    }
    text
}

#[cfg(test)]
mod tests;
