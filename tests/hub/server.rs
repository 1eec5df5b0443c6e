//! A server for the tests: it answers GET requests with the result of a closure, and records them.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A recorded request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub path: String,
    pub range: Option<String>,
    pub token: Option<String>,
}

impl Request {
    /// The first requested byte.
    pub fn from(&self) -> usize {
        let range = self.range.as_deref().and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-'));
        range.map_or(0, |from| from.parse().unwrap())
    }
}

/// An answer. `cut`: the connection breaks after that many bytes of the body.
#[derive(Default)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    cut: Option<usize>,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// All of `content`, whatever range was requested.
    pub fn whole(content: &[u8]) -> Self {
        Self { status: 200, body: content.into(), ..Self::default() }
    }

    /// `content` from the requested byte on, as a server with ranges sends it.
    pub fn content(content: &[u8], request: &Request) -> Self {
        let (from, total) = (request.from(), content.len());
        match &request.range {
            None => Self::whole(content),
            Some(_) if from >= total => Self::status(416).header("Content-Range", format!("bytes */{total}")),
            Some(_) => Self { status: 206, body: content[from..].into(), ..Self::default() }
                .header("Content-Range", format!("bytes {from}-{}/{total}", total - 1)),
        }
    }

    pub fn cut(mut self, after: usize) -> Self {
        self.cut = Some(after);
        self
    }

    fn send(self, mut to: TcpStream) {
        let mut head = format!("HTTP/1.1 {} Of Tests\r\nContent-Length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let sent = &self.body[..self.cut.unwrap_or(self.body.len())];
        // The client may close the connection first.
        let _ = to.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).and_then(|()| to.write_all(sent));
    }
}

/// A server on a port of its own, until the test's process ends.
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// `answer` receives each request and its number, from 0.
    pub fn start(answer: impl Fn(&Request, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                let number = log.lock().unwrap().len();
                log.lock().unwrap().push(request.clone());
                answer(&request, number).send(stream);
            }
        });
        Self { url, seen }
    }

    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let path = first.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?.to_string();
    let mut request = Request { path, range: None, token: None };
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "range" => request.range = Some(value.trim().into()),
            "authorization" => request.token = Some(value.trim().into()),
            _ => {}
        }
    }
    Some(request)
}
