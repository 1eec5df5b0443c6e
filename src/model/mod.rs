//! Models of the Llama family: shape, weights, tokenizer, forward pass.
pub mod shape;
