//! HTTP GET requests to the hub: resumable, with redirects followed by hand and checksum headers kept.
//!
//! hf-hub's own client is not used: it panics on a redirect without `Location`, hides status and error headers, sends
//! the token to the server it is redirected to, has no timeouts, lets the server compress (which breaks ranges), and
//! appends a whole body to a part when the server ignores the range.

use std::io::Read;
use std::time::Duration;

use ureq::http::{HeaderMap, Uri};
use ureq::{Agent, Body, BodyReader};

/// A client of one hub.
pub(super) struct Client {
    agent: Agent,
    token: Option<String>,
}

/// The answer of the last server in a chain of redirects, with the hub's headers.
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// Whether the hub itself gave this answer, not a server it redirected to.
    pub(super) at_hub: bool,
    /// The hub's checksum of the file: sha256 for LFS files, else the git blob id.
    pub(super) etag: Option<String>,
    /// The commit the hub took the file from.
    pub(super) commit: Option<String>,
    /// The hub's error code, e.g. `GatedRepo`.
    pub(super) code: Option<String>,
    /// Size of the whole file, in bytes.
    pub(super) size: Option<u64>,
    /// Offset of the body in the file, in bytes.
    pub(super) start: u64,
    body: BodyReader<'static>,
}

impl Answer {
    /// The body, up to the end of the file.
    pub(super) fn body(self) -> impl Read {
        let rest = self.size.map_or(u64::MAX, |size| size.saturating_sub(self.start));
        self.body.take(rest)
    }

    /// Status and error code, for people.
    pub(super) fn show_status(&self) -> String {
        match &self.code {
            Some(code) => format!("HTTP {}, {code}", self.status),
            None => format!("HTTP {}", self.status),
        }
    }
}

/// Why there is no answer.
pub(super) enum NoAnswer {
    /// No server could be reached.
    Unreachable(String),
    /// A server answered with something that is not HTTP as it should be.
    Unusable(String),
}

const REDIRECTS: usize = 8;

impl Client {
    /// A client that sends `token` to the hub and to no other server.
    pub(super) fn new(token: Option<String>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .user_agent(concat!("corda/", env!("CARGO_PKG_VERSION")));
        Self { agent: config.build().into(), token }
    }

    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Asks for the file at `url` from byte `from` on.
    pub(super) fn get(&self, url: &str, from: u64) -> Result<Answer, NoAnswer> {
        let hub = parse(url).map_err(NoAnswer::Unreachable)?;
        let (mut uri, mut heard) = (hub.clone(), Heard::default());
        for _ in 0..=REDIRECTS {
            let at_hub = (uri.scheme(), uri.authority()) == (hub.scheme(), hub.authority());
            // Compressed bodies have no meaningful ranges.
            let mut request = self.agent.get(&uri).header("Accept-Encoding", "identity");
            if from > 0 {
                request = request.header("Range", format!("bytes={from}-"));
            }
            if let Some(token) = self.token.as_ref().filter(|_| at_hub) {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            let response = request.call().map_err(|e| NoAnswer::Unreachable(e.to_string()))?;
            if at_hub {
                heard.listen(response.headers());
            }
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(heard.answer(response, at_hub));
            }
            let location = header(response.headers(), "location")
                .ok_or_else(|| NoAnswer::Unusable("the server redirects without saying where to".into()))?;
            uri = parse(&join(&uri, &location)).map_err(NoAnswer::Unusable)?;
        }
        Err(NoAnswer::Unusable(format!("the server redirects more than {REDIRECTS} times")))
    }
}

/// The hub's headers about a file. They come with the redirect; the server it leads to has an ETag of its own making.
#[derive(Default)]
struct Heard {
    linked_etag: Option<String>,
    linked_size: Option<u64>,
    etag: Option<String>,
    commit: Option<String>,
    code: Option<String>,
}

impl Heard {
    fn listen(&mut self, headers: &HeaderMap) {
        let etag = |name| header(headers, name).map(|e| e.trim_start_matches("W/").trim_matches('"').to_string());
        self.linked_etag = self.linked_etag.take().or_else(|| etag("x-linked-etag"));
        self.linked_size = self.linked_size.or_else(|| header(headers, "x-linked-size")?.parse().ok());
        self.etag = etag("etag").or_else(|| self.etag.take());
        self.commit = self.commit.take().or_else(|| header(headers, "x-repo-commit"));
        self.code = header(headers, "x-error-code").or_else(|| self.code.take());
    }

    fn answer(self, response: ureq::http::Response<Body>, at_hub: bool) -> Answer {
        let status = response.status().as_u16();
        let (start, whole) = match status {
            206 | 416 => header(response.headers(), "content-range").map_or((0, None), |range| content_range(&range)),
            _ => (0, header(response.headers(), "content-length").and_then(|length| length.parse().ok())),
        };
        Answer {
            status,
            at_hub,
            etag: self.linked_etag.or(self.etag),
            commit: self.commit,
            code: self.code,
            size: whole.or(self.linked_size),
            start,
            body: response.into_body().into_reader(),
        }
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_string())
}

/// Start and total of `bytes 5-9/10` or `bytes */10`.
fn content_range(value: &str) -> (u64, Option<u64>) {
    let (range, total) = value.trim_start_matches("bytes").trim().split_once('/').unwrap_or((value, ""));
    let start = range.split_once('-').and_then(|(start, _)| start.trim().parse().ok());
    (start.unwrap_or(0), total.trim().parse().ok())
}

fn parse(url: &str) -> Result<Uri, String> {
    let uri: Uri = url.parse().map_err(|e| format!("`{url}` is not a URL ({e})"))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => Err(format!("`{url}` is not an http(s) URL")),
    }
}

/// Resolves `location` against `base`: it may be absolute, or relative as the hub's own redirects are.
fn join(base: &Uri, location: &str) -> String {
    let scheme = base.scheme_str().unwrap_or("https");
    let authority = base.authority().map_or("", |a| a.as_str());
    if location.contains("://") {
        location.into()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    }
}

#[cfg(test)]
mod tests;
