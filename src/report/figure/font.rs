//! The font of the figures: Noto Sans, carried by a crate, so that text is as wide on any machine.

use std::sync::{Arc, LazyLock};

use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use ttf_parser::Face;

use super::super::ReportError;

/// What the SVG asks for: our font, then what a machine without it surely has, none of them wider.
pub const FAMILY: &str = "Noto Sans, Helvetica, Arial, sans-serif";

/// Thickness of the strokes of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// As in running text.
    Regular,
    /// As in headings.
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

/// Only our font, for the renderers: fonts of the machine must not change a figure.
fn database() -> Arc<Database> {
    let mut database = Database::new();
    for weight in [Weight::Regular, Weight::Bold] {
        database.load_font_data(weight.bytes().to_vec());
    }
    Arc::new(database)
}

/// A figure as the renderers take it.
pub fn tree(svg: &str) -> Result<Tree, ReportError> {
    let options = Options { fontdb: database(), ..Options::default() };
    Tree::from_str(svg, &options).map_err(|error| ReportError::Drawing(format!("the SVG cannot be read: {error}")))
}

/// Width of one line of text at `size` pixels an em. Kerning is left out: it is below 2% and mostly negative.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    static FACES: LazyLock<[Option<Face>; 2]> =
        LazyLock::new(|| [Weight::Regular, Weight::Bold].map(|weight| Face::parse(weight.bytes(), 0).ok()));
    let face = match weight {
        Weight::Regular => &FACES[0],
        Weight::Bold => &FACES[1],
    };
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
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_renderer() {
        for (text, weight, attribute) in [
            ("CO-SVD (64 wiki samples)", Weight::Regular, ""),
            ("components discarded per linear, r", Weight::Regular, ""),
            ("wiki: enwiki/test, 16 windows of 512", Weight::Bold, "font-weight=\"bold\""),
            ("10⁷", Weight::Regular, ""),
        ] {
            let svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"2000\" height=\"200\"><text x=\"10\" y=\"100\" \
                 font-family=\"{FAMILY}\" font-size=\"40\" {attribute}>{text}</text></svg>"
            );
            let tree = tree(&svg).unwrap();
            let rendered = f64::from(tree.root().bounding_box().width());
            let measured = width(text, 40.0, weight);
            assert!((measured / rendered - 1.0).abs() < 0.03, "{text}: {measured} against {rendered}");
        }
    }

    #[test]
    fn has_what_figures_need() {
        let face = Face::parse(notosans::REGULAR_TTF, 0).unwrap();
        for c in "0123456789⁰¹²³⁴⁵⁶⁷⁸⁹×–%(),.:/λα∞".chars() {
            assert!(face.glyph_index(c).is_some(), "{c}");
        }
    }

    #[test]
    fn wraps_at_blanks() {
        let lines = wrap("CO-SVD (64 PTB samples)", 18.0, Weight::Regular, 130.0);
        assert_eq!(lines.join(" "), "CO-SVD (64 PTB samples)");
        assert!(lines.len() == 2 && lines.iter().all(|line| width(line, 18.0, Weight::Regular) <= 130.0), "{lines:?}");
        assert_eq!(wrap("unbreakable", 18.0, Weight::Regular, 10.0), ["unbreakable"]);
    }
}
