//! What may stay of a template. `names.rs` and `languages.rs` say what does.

use super::arguments::Arguments;

/// What stays of a template.
#[derive(Clone, Copy)]
pub enum Stays {
    /// A fixed text.
    Text(&'static str),
    /// The argument at this place, from 0, named ones not counted.
    Argument(usize),
    /// The first argument, or the one that is named as a text.
    Body,
    /// The last argument.
    Last,
    /// All arguments, with this between them.
    Joined(&'static str),
    /// Every argument as an item of a list.
    Listed,
    /// A text made of the arguments.
    Made(fn(&Arguments) -> Option<String>),
    /// Nothing: no part of a sentence.
    Nothing,
    /// Nothing, for want of knowing.
    Unknown,
}
