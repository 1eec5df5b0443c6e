//! Recognises what a file is by its first bytes, so that messages say what was found, whatever the file is called.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::ModelError;

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// GGUF, of any version.
    Gguf,
    /// A format of llama.cpp's before GGUF.
    OldGgml,
    /// safetensors: a length, then a JSON object.
    Safetensors,
    /// The pointer that Git stores in place of a file in Git LFS.
    LfsPointer,
    /// A web page, usually that of an error or a login.
    Html,
    /// A zip archive: what torch.save writes.
    Zip,
    /// A Python pickle: what torch.save wrote before.
    Pickle,
    /// No bytes at all.
    Empty,
    /// None of these.
    Other,
}

impl FileKind {
    /// Looks at the first bytes of `path`.
    pub fn of(path: &Path) -> Result<Self, ModelError> {
        let failed = |source| ModelError::Read { path: path.into(), source };
        let mut start = Vec::new();
        File::open(path).map_err(failed)?.take(256).read_to_end(&mut start).map_err(failed)?;
        Ok(Self::of_bytes(&start))
    }

    /// By at least the first 256 bytes, or all there are.
    pub fn of_bytes(start: &[u8]) -> Self {
        let text = String::from_utf8_lossy(start);
        let text = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
        match start {
            [] => Self::Empty,
            [b'G', b'G', b'U', b'F', ..] => Self::Gguf,
            // Written as a little-endian number, so the letters are reversed.
            [b'l', b'm', b'g', b'g', ..] | [b'f', b'm', b'g', b'g', ..] | [b't', b'j', b'g', b'g', ..] => Self::OldGgml,
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            [0x80, 2..=5, ..] => Self::Pickle,
            // The first eight bytes are the length of the header, far below 2^40.
            [_, _, _, _, _, 0, 0, 0, b'{', ..] => Self::Safetensors,
            _ if text.starts_with("version https://git-lfs") => Self::LfsPointer,
            _ if text.starts_with("<!doctype html") || text.starts_with("<html") => Self::Html,
            _ => Self::Other,
        }
    }

    /// What to do if a file is of this kind and another is needed.
    pub fn advice(self) -> &'static str {
        match self {
            Self::LfsPointer => "fetch the file itself with `git lfs pull`",
            Self::Html => "download it again: the server sent a page in its place",
            Self::Empty => "download or copy it again",
            Self::Zip | Self::Pickle => {
                "pickled weights are not read, since a pickle can run code; save the model as safetensors \
                 (`model.save_pretrained(folder)`)"
            }
            Self::OldGgml => "convert the original model again with llama.cpp's convert_hf_to_gguf.py",
            Self::Safetensors => {
                "a model in safetensors is a folder with config.json and tokenizer.json: give the folder"
            }
            Self::Gguf => "give the GGUF file itself as the model",
            Self::Other => "a model is a GGUF file, or a folder with config.json, tokenizer.json and model.safetensors",
        }
    }

    /// The error that `path` is of this kind and not `expected`.
    pub fn is_not(self, path: &Path, expected: &'static str) -> ModelError {
        ModelError::Format { path: path.into(), found: self.to_string(), expected, advice: self.advice() }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gguf => "a GGUF file",
            Self::OldGgml => "a GGML file, llama.cpp's format before GGUF",
            Self::Safetensors => "a safetensors file",
            Self::LfsPointer => "a Git LFS pointer, which stands for a file that was not fetched",
            Self::Html => "an HTML page",
            Self::Zip => "a zip archive, as torch.save writes",
            Self::Pickle => "a Python pickle, as torch.save writes",
            Self::Empty => "empty",
            Self::Other => "a file of some other kind",
        })
    }
}

/// The text of a JSON file, without a byte order mark. If the file is of another kind, the error says of which.
pub fn read_text(path: &Path) -> Result<String, ModelError> {
    let mut bytes = std::fs::read(path).map_err(|source| ModelError::Read { path: path.into(), source })?;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    match FileKind::of_bytes(&bytes[..bytes.len().min(256)]) {
        FileKind::Other => String::from_utf8(bytes)
            .map_err(|e| ModelError::Config(format!("{}: is not UTF-8 text: {e}", path.display()))),
        kind => Err(kind.is_not(path, "a JSON file")),
    }
}

#[cfg(test)]
mod tests;
