//! Which colour, marker and line a curve has: colour and marker say the method, the same in every figure; the line's
//! dashes and the marker's filling tell arms of one method apart.

use plotters::style::RGBColor;

/// Text and axes.
pub const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// The undamaged model, secondary text.
pub const GREY: RGBColor = RGBColor(0x70, 0x70, 0x70);
/// Lines behind the data.
pub const GRID: RGBColor = RGBColor(0xe6, 0xe6, 0xe6);

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

/// Colour and marker of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodStyle {
    pub colour: RGBColor,
    pub shape: Shape,
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
    pub method: MethodStyle,
    pub dash: Dash,
    pub fill: Fill,
}

impl MethodStyle {
    /// A method's own; for one without, a choice by its name.
    pub fn of(method: &str) -> Self {
        method_style(method, &[])
    }
}

impl CurveStyle {
    pub fn plain(method: MethodStyle) -> Self {
        Self { method, dash: None, fill: Fill::Full }
    }
}

const fn style(colour: (u8, u8, u8), shape: Shape) -> MethodStyle {
    MethodStyle { colour: RGBColor(colour.0, colour.1, colour.2), shape }
}

/// Okabe and Ito's colours, which colour-blind readers can distinguish. A method without a line here takes one of `OTHERS`.
const VERMILLION: (u8, u8, u8) = (0xd5, 0x5e, 0x00);
const GREEN: (u8, u8, u8) = (0x00, 0x9e, 0x73);
const BLUE: (u8, u8, u8) = (0x00, 0x72, 0xb2);
const PURPLE: (u8, u8, u8) = (0xcc, 0x79, 0xa7);
const ORANGE: (u8, u8, u8) = (0xe6, 0x9f, 0x00);
const SKY: (u8, u8, u8) = (0x56, 0xb4, 0xe9);
const BLACK: (u8, u8, u8) = (0x00, 0x00, 0x00);

/// Methods with a place of their own.
const KNOWN: [(&str, MethodStyle); 7] = [
    ("plain-svd", style(VERMILLION, Shape::Square)),
    ("asvd", style(GREEN, Shape::Triangle)),
    ("corda", style(BLUE, Shape::Circle)),
    ("svd-whitening", style(PURPLE, Shape::Diamond)),
    ("lora", style(ORANGE, Shape::Nabla)),
    ("dora", style(SKY, Shape::Pentagon)),
    ("full", style(BLACK, Shape::Hexagon)),
];

/// For methods not in `KNOWN`: the looks that no decomposition has.
const OTHERS: [MethodStyle; 3] = [KNOWN[4].1, KNOWN[5].1, KNOWN[6].1];

const DASHES: [Dash; 4] = [None, Some((9.0, 5.0)), Some((2.5, 4.0)), Some((18.0, 5.0))];
const FILLS: [Fill; 4] = [Fill::Full, Fill::Hollow, Fill::Dot, Fill::Pale];

/// Styles of curves, given `(method, arm)` of each in the order of the experiment; arms may come again, with the same
/// style.
pub fn assign<'a>(curves: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, CurveStyle)> {
    let mut methods: Vec<(&str, MethodStyle, usize)> = Vec::new();
    let mut arms: Vec<(&str, CurveStyle)> = Vec::new();
    for (method, arm) in curves {
        if arms.iter().any(|(known, _)| *known == arm) {
            continue;
        }
        let at = methods.iter().position(|(name, ..)| *name == method).unwrap_or_else(|| {
            methods.push((method, method_style(method, &methods), 0));
            methods.len() - 1
        });
        let (_, style, count) = &mut methods[at];
        // Beyond four arms of a method the fillings come again with other dashes: sixteen differ.
        let (dash, fill) = (DASHES[(*count + *count / 4) % 4], FILLS[*count % 4]);
        arms.push((arm, CurveStyle { method: *style, dash, fill }));
        *count += 1;
    }
    arms
}

pub fn find(styles: &[(&str, CurveStyle)], arm: &str) -> Option<CurveStyle> {
    styles.iter().find(|(known, _)| *known == arm).map(|(_, style)| *style)
}

/// A method's own style; for one without, a choice by its name (the same in every figure) unless that is taken here.
fn method_style(method: &str, taken: &[(&str, MethodStyle, usize)]) -> MethodStyle {
    if let Some((_, style)) = KNOWN.iter().find(|(name, _)| *name == method) {
        return *style;
    }
    let start = method.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let choices = (0..OTHERS.len()).map(|step| OTHERS[(start % OTHERS.len() + step) % OTHERS.len()]);
    let free = choices.clone().find(|style| !taken.iter().any(|(_, other, _)| other == style));
    free.unwrap_or(OTHERS[start % OTHERS.len()])
}

#[cfg(test)]
mod tests;
