//! All that parent and worker say to each other: frames of a little-endian `u32` length and a body, read with a bound.
//!
//! Both sides distrust the other: a length above the bound, a body that ends early or goes on, or a tag that is not known
//! is [`Malformed`], and the parent then kills the worker. No field is ever allocated from a length that was not checked
//! against the bytes that are really there.

use std::io::{self, Read, Write};

/// A body that does not say what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// The external variable that carries the identity schema of [`Job::Lint`].
pub(crate) const LINT_SCHEMA: &str = "schema";

/// What the parent asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    /// The first frame: limits that the worker sets before it reads a second one.
    Hello { memory_bytes: u64, output_bytes_max: u32, request_bytes_max: u32 },
    /// Run one job on one snippet. `text` is absent when the worker may still have it.
    Run { job: Job, hash: [u8; 32], name: &'a str, text: Option<&'a str>, inputs: Inputs<'a> },
}

/// What to do with a snippet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Evaluate to JSON.
    Evaluate,
    /// Parse and analyse.
    Check,
    /// Look for mistakes; the input `schema` is an identity schema.
    Lint,
    /// Lay out anew.
    Format,
}

/// Name and text pairs of one evaluation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inputs<'a> {
    pub(crate) ext_vars: Vec<(&'a str, &'a str)>,
    pub(crate) tla: Vec<(&'a str, &'a str)>,
    pub(crate) imports: Vec<(&'a str, &'a str)>,
}

/// What the worker answers, and whether it would like to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response<'a> {
    pub(crate) retire: bool,
    pub(crate) answer: Answer<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer<'a> {
    /// The limits are set; each warning names a layer that the kernel lacks.
    Ready(Vec<&'a str>),
    /// JSON for [`Job::Evaluate`] and [`Job::Lint`], text for [`Job::Format`], empty for [`Job::Check`].
    Value(&'a str),
    /// The text was sent before, but is no longer kept.
    NeedText,
    /// A diagnostic as JSON.
    Failed(&'a str),
    /// The value is larger than the limit.
    TooLarge,
    /// The named input is not JSON.
    BadInput { variable: &'a str, line: u32, column: u32 },
}

/// Writes one frame.
pub(crate) fn write_frame(to: &mut impl Write, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // One write, so that a small frame is one system call and one wake-up of the reader.
    let mut frame = Vec::with_capacity(body.len() + 4);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(body);
    to.write_all(&frame)?;
    to.flush()
}

/// Why no frame could be read.
#[derive(Debug)]
pub(crate) enum FrameError {
    /// The other side closed the pipe between two frames.
    Ended,
    /// The other side closed the pipe within a frame.
    Cut,
    /// The announced length is above the bound.
    TooLong,
    Io,
}

/// Reads one frame of at most `bytes_max` into `body`. Never allocates more than has arrived, in steps of 64 KiB.
pub(crate) fn read_frame(from: &mut impl Read, body: &mut Vec<u8>, bytes_max: usize) -> Result<(), FrameError> {
    let mut length = [0; 4];
    match from.read(&mut length) {
        Ok(0) => return Err(FrameError::Ended),
        Ok(4) => {}
        Ok(got) => from.read_exact(&mut length[got..]).map_err(cut)?,
        Err(error) => return Err(cut(error)),
    }
    let length = u32::from_le_bytes(length);
    if length as usize > bytes_max {
        return Err(FrameError::TooLong);
    }
    body.clear();
    let mut left = length as usize;
    while left > 0 {
        let start = body.len();
        let step = left.min(64 * 1024);
        body.resize(start + step, 0);
        from.read_exact(&mut body[start..]).map_err(cut)?;
        left -= step;
    }
    Ok(())
}

fn cut(error: io::Error) -> FrameError {
    if error.kind() == io::ErrorKind::UnexpectedEof { FrameError::Cut } else { FrameError::Io }
}

impl<'a> Request<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        match self {
            Self::Hello { memory_bytes, output_bytes_max, request_bytes_max } => {
                out.byte(0);
                out.0.extend_from_slice(&memory_bytes.to_le_bytes());
                out.number(*output_bytes_max);
                out.number(*request_bytes_max);
            }
            Self::Run { job, hash, name, text, inputs } => {
                out.byte(match job {
                    Job::Evaluate => 1,
                    Job::Check => 2,
                    Job::Lint => 3,
                    Job::Format => 4,
                });
                out.0.extend_from_slice(hash);
                out.text(name);
                out.byte(u8::from(text.is_some()));
                out.text(text.unwrap_or_default());
                out.pairs(&inputs.ext_vars);
                out.pairs(&inputs.tla);
                out.pairs(&inputs.imports);
            }
        }
        out.0
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut from = Decoder(body);
        let request = match from.byte()? {
            0 => Self::Hello {
                memory_bytes: u64::from_le_bytes(from.array()?),
                output_bytes_max: from.number()?,
                request_bytes_max: from.number()?,
            },
            tag @ 1..=4 => {
                let job = [Job::Evaluate, Job::Check, Job::Lint, Job::Format][usize::from(tag) - 1];
                let hash = from.array()?;
                let name = from.text()?;
                let has_text = from.flag()?;
                let text = from.text()?;
                let inputs = Inputs { ext_vars: from.pairs()?, tla: from.pairs()?, imports: from.pairs()? };
                Self::Run { job, hash, name, text: has_text.then_some(text), inputs }
            }
            _ => return Err(Malformed("unknown request")),
        };
        from.end(request)
    }
}

impl<'a> Response<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.byte(u8::from(self.retire));
        match &self.answer {
            Answer::Ready(warnings) => {
                out.byte(0);
                out.pairs(&warnings.iter().map(|warning| (*warning, "")).collect::<Vec<_>>());
            }
            Answer::Value(value) => {
                out.byte(1);
                out.text(value);
            }
            Answer::NeedText => out.byte(2),
            Answer::Failed(diagnostic) => {
                out.byte(3);
                out.text(diagnostic);
            }
            Answer::TooLarge => out.byte(4),
            Answer::BadInput { variable, line, column } => {
                out.byte(5);
                out.text(variable);
                out.number(*line);
                out.number(*column);
            }
        }
        out.0
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut from = Decoder(body);
        let retire = from.flag()?;
        let answer = match from.byte()? {
            0 => Answer::Ready(from.pairs()?.into_iter().map(|(warning, _)| warning).collect()),
            1 => Answer::Value(from.text()?),
            2 => Answer::NeedText,
            3 => Answer::Failed(from.text()?),
            4 => Answer::TooLarge,
            5 => Answer::BadInput { variable: from.text()?, line: from.number()?, column: from.number()? },
            _ => return Err(Malformed("unknown answer")),
        };
        from.end(Self { retire, answer })
    }
}

#[derive(Default)]
struct Encoder(Vec<u8>);

impl Encoder {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Sizes are checked against the settings, far below 4 GiB, before anything is encoded.
    fn number(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(text.as_bytes());
    }

    fn pairs(&mut self, pairs: &[(&str, &str)]) {
        self.number(u32::try_from(pairs.len()).unwrap_or(u32::MAX));
        for (name, text) in pairs {
            self.text(name);
            self.text(text);
        }
    }
}

struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed("ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed("ends too early"))
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("a flag is neither 0 nor 1")),
        }
    }

    fn number(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length as usize)?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    fn pairs(&mut self) -> Result<Vec<(&'a str, &'a str)>, Malformed> {
        let count = self.number()?;
        let mut pairs = Vec::new();
        for _ in 0..count {
            pairs.push((self.text()?, self.text()?));
        }
        Ok(pairs)
    }

    fn end<T>(self, whole: T) -> Result<T, Malformed> {
        if self.0.is_empty() { Ok(whole) } else { Err(Malformed("goes on after its end")) }
    }
}

#[cfg(test)]
mod tests;
