//! The font of the figures: Noto Sans, carried by a crate, so that text is as wide on any machine.

use std::sync::{Arc, LazyLock};

use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use ttf_parser::Face;

use super::super::ReportError;

/// What the SVG asks for: our font, then what a machine without it surely has, none of them wider.
pub const FAMILY: &str = "Noto Sans, Helvetica, Arial, sans-serif";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

impl Weight {
    fn bytes(self) -> &'static [u8] {
        match self {
            Weight::Regular => notosans::REGULAR_TTF,
            Weight::Bold => notosans::BOLD_TTF,
        }
    }
}

/// A figure as the renderers take it, with only our font: fonts of the machine must not change it.
pub fn tree(svg: &str) -> Result<Tree, ReportError> {
    let mut fonts = Database::new();
    for weight in [Weight::Regular, Weight::Bold] {
        fonts.load_font_data(weight.bytes().to_vec());
    }
    let options = Options { fontdb: Arc::new(fonts), ..Options::default() };
    Tree::from_str(svg, &options).map_err(|error| ReportError::Drawing(format!("the SVG cannot be read: {error}")))
}

/// Width of one line of text at `size` pixels an em. Kerning is left out: it is below 2% and mostly negative.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    static FACES: LazyLock<[Option<Face>; 2]> =
        LazyLock::new(|| [Weight::Regular, Weight::Bold].map(|weight| Face::parse(weight.bytes(), 0).ok()));
    let face = &FACES[usize::from(weight == Weight::Bold)];
    // Where the font lacks a glyph, the renderer draws the "missing" box: about half an em.
    let advance = |face: &Face, c: char| {
        let glyph = face.glyph_index(c)?;
        Some(f64::from(face.glyph_hor_advance(glyph)?) / f64::from(face.units_per_em()))
    };
    let ems = |c: char| face.as_ref().and_then(|face| advance(face, c)).unwrap_or(0.6);
    size * text.chars().map(ems).sum::<f64>()
}

/// Breaks text at blanks so that no line is wider than `limit`, unless a single word is.
pub fn wrap(text: &str, size: f64, weight: Weight, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, weight) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
