//! Which colour, marker and line a curve has: colour and marker say the method, the same in every figure; the line's
//! dashes and the marker's filling tell arms of one method apart.

use plotters::style::RGBColor;

/// Text and axes.
pub const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// The undamaged model, secondary text.
pub const GREY: RGBColor = RGBColor(0x70, 0x70, 0x70);
/// Lines behind the data.
pub const GRID: RGBColor = RGBColor(0xe6, 0xe6, 0xe6);
pub const WHITE: RGBColor = RGBColor(255, 255, 255);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Nabla,
    Pentagon,
    Hexagon,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    Full,
    /// Not at all: an outline.
    Hollow,
    /// An outline with a dot in the middle.
    Dot,
    /// An outline, tinted inside.
    Pale,
}

/// How a line is drawn: lengths of dash and gap; `None` is solid.
pub type Dash = Option<(f64, f64)>;

/// Everything that tells a curve from the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurveStyle {
    pub colour: RGBColor,
    pub shape: Shape,
    pub dash: Dash,
    pub fill: Fill,
}

/// Methods with a look of their own, in Okabe and Ito's colours, which colour-blind readers can distinguish, too. A method
/// without a line here takes one of the spare looks below.
const KNOWN: [(&str, RGBColor, Shape); 7] = [
    ("plain-svd", RGBColor(0xd5, 0x5e, 0x00), Shape::Square),
    ("asvd", RGBColor(0x00, 0x9e, 0x73), Shape::Triangle),
    ("corda", RGBColor(0x00, 0x72, 0xb2), Shape::Circle),
    ("svd-whitening", RGBColor(0xcc, 0x79, 0xa7), Shape::Diamond),
    ("lora", RGBColor(0xe6, 0x9f, 0x00), Shape::Nabla),
    ("dora", RGBColor(0x56, 0xb4, 0xe9), Shape::Pentagon),
    ("full", RGBColor(0x00, 0x00, 0x00), Shape::Hexagon),
];

/// The first of `KNOWN` that no decomposition has: methods without a place there share these looks.
const OTHERS: usize = 4;

const DASHES: [Dash; 4] = [None, Some((9.0, 5.0)), Some((2.5, 4.0)), Some((18.0, 5.0))];
const FILLS: [Fill; 4] = [Fill::Full, Fill::Hollow, Fill::Dot, Fill::Pale];

/// Styles of curves, given `(method, arm)` of each in the order of the experiment; arms may come again, with the same
/// style.
pub fn assign<'a>(curves: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, CurveStyle)> {
    // Each method's first style, and how many arms it has.
    let mut methods: Vec<(&str, CurveStyle, usize)> = Vec::new();
    let mut arms: Vec<(&str, CurveStyle)> = Vec::new();
    for (method, arm) in curves {
        if arms.iter().any(|(known, _)| *known == arm) {
            continue;
        }
        let at = methods.iter().position(|(name, ..)| *name == method).unwrap_or_else(|| {
            methods.push((method, plain(method, &methods), 0));
            methods.len() - 1
        });
        let (_, style, count) = &mut methods[at];
        // Beyond four arms of a method the fillings come again with other dashes: sixteen differ.
        arms.push((arm, CurveStyle { dash: DASHES[(*count + *count / 4) % 4], fill: FILLS[*count % 4], ..*style }));
        *count += 1;
    }
    arms
}

/// The style of an arm; of one that has none, as if it were a method.
pub fn find(styles: &[(&str, CurveStyle)], arm: &str) -> CurveStyle {
    styles.iter().find(|(known, _)| *known == arm).map_or_else(|| plain(arm, &[]), |(_, style)| *style)
}

/// A method's first style; for one without, a choice by its name (the same in every figure) unless that is taken here.
pub fn plain(method: &str, taken: &[(&str, CurveStyle, usize)]) -> CurveStyle {
    let others = &KNOWN[OTHERS..];
    let start = method.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let mut choices = others.iter().cycle().skip(start % others.len()).take(others.len());
    let free = |(_, colour, _): &&(_, RGBColor, _)| !taken.iter().any(|(_, other, _)| other.colour == *colour);
    let known = KNOWN.iter().find(|(name, ..)| *name == method).or_else(|| choices.find(free));
    let (_, colour, shape) = *known.unwrap_or(&others[start % others.len()]);
    CurveStyle { colour, shape, dash: None, fill: Fill::Full }
}

#[cfg(test)]
mod tests;
