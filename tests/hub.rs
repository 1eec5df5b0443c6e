//! Files from the hub, against a local server with the routes of the hub: what the hub sends, what it refuses, and what happens
//! when the connection breaks.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use corda::assets::{AssetError, Fetched, Source, Store};
use corda::progress::Progress;

use server::{Reply, Request, Server};

mod server;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// sha256 and git blob id of `abc`.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABC_BLOB: &str = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";
/// sha256 of [`digits`].
const DIGITS: &str = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";

/// `0123456789`.
fn digits() -> Vec<u8> {
    b"0123456789".to_vec()
}

/// The cache folder of one test, and the store in it.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn store(&self, url: &str) -> Store {
        Store::open(self.folder.path()).with_hub_endpoint(url, None).with_hub_cache(None)
    }

    /// Every file in the cache except locks, by its path below the folder of the revision.
    fn left(&self) -> Vec<String> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
            }
        }
        let mut found = Vec::new();
        walk(self.folder.path(), &mut found);
        let mut names: Vec<_> = found.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.ends_with(".lock"));
        names.iter_mut().for_each(|name| *name = name.rsplit_once(&format!("{COMMIT}/")).unwrap().1.into());
        names.sort();
        names
    }
}

fn model(files: &[(&str, Option<&str>)]) -> Source {
    let files: BTreeMap<_, _> = files.iter().map(|(file, sum)| (file.to_string(), sum.map(Into::into))).collect();
    Source::Hub { repo: "acme/tiny".into(), dataset: false, revision: COMMIT.into(), files }
}

fn fetch(store: &Store, source: &Source) -> Result<Fetched, AssetError> {
    store.fetch(source, &Progress::hidden())
}

fn fail(store: &Store, source: &Source) -> String {
    let message = fetch(store, source).unwrap_err().to_string();
    assert!(store.cached(source).is_none(), "a failed fetch is not cached");
    message
}

#[test]
fn found_files_are_verified_and_cached() {
    let server = Server::start(|request, _| {
        let (content, etag) = match request.path.rsplit('/').next().unwrap() {
            "config.json" => (b"abc".to_vec(), ABC_BLOB),
            _ => (digits(), DIGITS),
        };
        Reply::content(&content, request).header("ETag", format!("\"{etag}\"")).header("X-Repo-Commit", COMMIT)
    });
    let world = World::new();
    let (store, source) = (world.store(&server.url), model(&[("config.json", None), ("sub/w.bin", Some(DIGITS))]));
    assert_eq!(store.cached(&source), None);
    let fetched = fetch(&store, &source).unwrap();
    assert_eq!(fetched.origin, format!("hub:acme/tiny@{COMMIT}"));
    assert_eq!(fetched.files["config.json"].sha256, ABC);
    assert_eq!(fs::read(&fetched.files["sub/w.bin"].path).unwrap(), digits());
    let paths: Vec<_> = server.seen().into_iter().map(|r| r.path).collect();
    let base = format!("/acme/tiny/resolve/{COMMIT}");
    assert_eq!(paths, [format!("{base}/config.json"), format!("{base}/sub/w.bin")]);

    assert_eq!(store.cached(&source), Some(fetched.clone()));
    assert_eq!(fetch(&store, &source).unwrap(), fetched);
    assert_eq!(server.seen().len(), 2, "nothing is asked for twice");
    assert_eq!(world.left(), ["config.json", "config.json.stamp.json", "sub/w.bin", "sub/w.bin.stamp.json"]);
}

#[test]
fn a_file_pinned_by_its_commit_only_is_guarded_by_its_stamp() {
    let server = Server::start(|request, _| Reply::content(b"abc", request).header("ETag", ABC_BLOB));
    let world = World::new();
    let (store, source) = (world.store(&server.url), model(&[("config.json", None)]));
    let fetched = fetch(&store, &source).unwrap();
    fs::write(&fetched.files["config.json"].path, "abd").unwrap();
    assert_eq!(store.cached(&source), None, "changed behind our back");
    assert_eq!(fetch(&store, &source).unwrap(), fetched);
}

#[test]
fn data_sets_have_their_own_route() {
    let server = Server::start(|request, _| Reply::content(b"abc", request).header("ETag", format!("W/\"{ABC}\"")));
    let world = World::new();
    let files = BTreeMap::from([("a b/test.parquet".to_string(), None)]);
    let source = Source::Hub { repo: "acme/text".into(), dataset: true, revision: COMMIT.into(), files };
    let fetched = fetch(&world.store(&server.url), &source).unwrap();
    assert_eq!(fetched.origin, format!("hub:datasets/acme/text@{COMMIT}"));
    assert_eq!(server.seen()[0].path, format!("/datasets/acme/text/resolve/{COMMIT}/a%20b/test.parquet"));
}

#[test]
fn redirects_are_followed_and_the_token_stays_with_the_hub() {
    let cdn = Server::start(|request, _| Reply::content(&digits(), request).header("ETag", "\"of-the-cdn\""));
    let target = format!("{}/blob?signature=1", cdn.url);
    let hub = Server::start(move |request, _| match request.path.as_str() {
        "/api/resolve-cache/w.bin" => Reply::status(302)
            .header("Location", target.clone())
            .header("X-Linked-ETag", format!("\"{DIGITS}\""))
            .header("X-Linked-Size", "10"),
        _ => Reply::status(307).header("Location", "/api/resolve-cache/w.bin").header("X-Repo-Commit", COMMIT),
    });
    let world = World::new();
    let store = world.store(&hub.url).with_hub_endpoint(&hub.url, Some("secret".into()));
    let fetched = fetch(&store, &model(&[("w.bin", None)])).unwrap();
    assert_eq!(fetched.files["w.bin"].sha256, DIGITS);
    let tokens = |server: &Server| server.seen().into_iter().map(|r| r.token).collect::<Vec<_>>();
    assert_eq!(tokens(&hub), vec![Some("Bearer secret".to_string()); 2]);
    assert_eq!(tokens(&cdn), [None]);
}

#[test]
fn endless_and_aimless_redirects_are_errors() {
    let world = World::new();
    let endless = Server::start(|request, _| Reply::status(302).header("Location", request.path.clone()));
    let message = fail(&world.store(&endless.url), &model(&[("w.bin", None)]));
    assert!(message.contains("redirects more than 8 times"), "{message}");
    let aimless = Server::start(|_, _| Reply::status(302));
    let message = fail(&world.store(&aimless.url), &model(&[("w.bin", None)]));
    assert!(message.contains("without saying where to"), "{message}");
    assert!(world.left().is_empty(), "{:?}", world.left());
}

#[test]
fn a_missing_file_is_named_with_repository_and_revision() {
    let server = Server::start(|_, _| Reply::status(404).header("X-Error-Code", "EntryNotFound"));
    let world = World::new();
    let message = fail(&world.store(&server.url), &model(&[("missing.bin", None)]));
    for word in ["missing.bin", "model acme/tiny", COMMIT, "EntryNotFound"] {
        assert!(message.contains(word), "{message}");
    }
    assert!(world.left().is_empty(), "{:?}", world.left());
}

#[test]
fn a_missing_repository_is_not_taken_for_a_gated_one() {
    let server = Server::start(|_, _| Reply::status(401).header("X-Error-Code", "RepoNotFound"));
    let message = fail(&World::new().store(&server.url), &model(&[("a", None)]));
    assert!(message.starts_with("the hub has no file a in model acme/tiny"), "{message}");
}

#[test]
fn a_gated_repository_says_how_to_get_in() {
    for (status, token, said) in [(401, None, "no token is set"), (403, Some("t"), "the token in use has no access")] {
        let server = Server::start(move |_, _| Reply::status(status).header("X-Error-Code", "GatedRepo"));
        let world = World::new();
        let store = world.store(&server.url).with_hub_endpoint(&server.url, token.map(Into::into));
        let message = fail(&store, &model(&[("config.json", None)]));
        let page = format!("{}/acme/tiny)", server.url);
        for word in [said, "Accept the licence", "hf auth login", "HF_TOKEN", &page, &status.to_string()] {
            assert!(message.contains(word), "{message}");
        }
        assert!(world.left().is_empty(), "{:?}", world.left());
    }
}

#[test]
fn a_broken_connection_is_taken_up_where_it_ended() {
    // The server sends four bytes and disappears; later it is back.
    let server = Server::start(|request, number| {
        let reply = Reply::content(&digits(), request).header("ETag", DIGITS);
        match number {
            0 => reply.cut(4),
            1 => reply.cut(0),
            _ => reply,
        }
    });
    let world = World::new();
    let (store, source) = (world.store(&server.url), model(&[("w.bin", None)]));
    let message = fail(&store, &source);
    assert!(message.contains("after 4 bytes of w.bin") && message.contains("run the same command again"), "{message}");
    assert_eq!(world.left(), ["w.bin.part"]);

    let fetched = fetch(&store, &source).unwrap();
    assert_eq!(fetched.files["w.bin"].sha256, DIGITS);
    let ranges: Vec<_> = server.seen().into_iter().map(|r| r.range).collect();
    let rest = Some("bytes=4-".to_string());
    assert_eq!(ranges, [None, rest.clone(), rest], "only the remainder is asked for");
    assert_eq!(world.left(), ["w.bin", "w.bin.stamp.json"]);
}

#[test]
fn a_connection_that_keeps_breaking_but_brings_something_gets_there() {
    let server = Server::start(|request, _| {
        let reply = Reply::content(&digits(), request).header("ETag", DIGITS);
        let left = reply.body.len();
        reply.cut(left.min(3))
    });
    fetch(&World::new().store(&server.url), &model(&[("w.bin", None)])).unwrap();
    let from: Vec<_> = server.seen().iter().map(Request::from).collect();
    assert_eq!(from, [0, 3, 6, 9]);
}

/// Writes a partial file as an earlier run would have left it.
fn leave_part(world: &World, content: &[u8]) {
    let folder = world.folder.path().join(format!("assets/hub/models--acme--tiny/{COMMIT}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("w.bin.part"), content).unwrap();
}

#[test]
fn a_part_that_was_whole_already_is_not_fetched_again() {
    let server = Server::start(|request, _| Reply::content(&digits(), request).header("ETag", DIGITS));
    let world = World::new();
    leave_part(&world, &digits());
    fetch(&world.store(&server.url), &model(&[("w.bin", None)])).unwrap();
    assert_eq!(server.seen().iter().map(Request::from).collect::<Vec<_>>(), [10]);
}

#[test]
fn a_part_of_something_else_is_not_built_upon() {
    let server = Server::start(|request, _| Reply::content(&digits(), request).header("ETag", DIGITS));
    let world = World::new();
    let (store, source) = (world.store(&server.url), model(&[("w.bin", None)]));
    leave_part(&world, b"longer than the file");
    fetch(&store, &source).unwrap();
    assert_eq!(server.seen().iter().map(Request::from).collect::<Vec<_>>(), [20, 0]);

    let world = World::new();
    let store = world.store(&server.url);
    leave_part(&world, b"wrong");
    let message = fail(&store, &source);
    assert!(message.contains("is not the file that was pinned"), "{message}");
    assert!(world.left().is_empty(), "removed, so that the next run starts over: {:?}", world.left());
    fetch(&store, &source).unwrap();
}

#[test]
fn a_server_without_ranges_is_served_from_the_start() {
    let server = Server::start(|_, _| Reply::whole(&digits()).header("ETag", DIGITS));
    let world = World::new();
    leave_part(&world, b"0123");
    let fetched = fetch(&world.store(&server.url), &model(&[("w.bin", None)])).unwrap();
    assert_eq!(fs::read(&fetched.files["w.bin"].path).unwrap(), digits());
}

#[test]
fn a_wrong_checksum_names_both_and_keeps_nothing() {
    for (pinned, etag, expected, actual) in [
        (Some(ABC), DIGITS, ABC, DIGITS),
        (None, ABC, ABC, DIGITS),
        // `printf 0123456789 | git hash-object --stdin`
        (None, ABC_BLOB, ABC_BLOB, "ad471007bd7f5983d273b9584e5629230150fd54"),
    ] {
        let server = Server::start(move |request, _| Reply::content(&digits(), request).header("ETag", etag));
        let world = World::new();
        let message = fail(&world.store(&server.url), &model(&[("w.bin", pinned)]));
        for word in [expected, actual, "w.bin", "run the same command again"] {
            assert!(message.contains(word), "{message}");
        }
        assert!(world.left().is_empty(), "{:?}", world.left());
    }
}

#[test]
fn what_cannot_be_verified_is_not_accepted() {
    let server = Server::start(|request, _| Reply::content(b"abc", request).header("ETag", "\"5-md5\""));
    let world = World::new();
    let message = fail(&world.store(&server.url), &model(&[("a", None)]));
    assert!(message.contains("no usable checksum for a") && message.contains("etag 5-md5"), "{message}");
    assert!(world.left().is_empty(), "{:?}", world.left());
    fetch(&world.store(&server.url), &model(&[("a", Some(ABC))])).unwrap();

    let other = "f".repeat(40);
    let server = Server::start(move |request, _| {
        Reply::content(b"abc", request).header("ETag", ABC_BLOB).header("X-Repo-Commit", other.clone())
    });
    let message = fail(&world.store(&server.url), &model(&[("b", None)]));
    assert!(message.contains("the file of commit ffff"), "{message}");
}

#[test]
fn a_server_that_is_down_or_failing_is_told_apart() {
    let world = World::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{port}");
    let message = fail(&world.store(&url), &model(&[("a", None)]));
    for word in ["cannot reach the hub at", &url, "HF_ENDPOINT", "corda fetch"] {
        assert!(message.contains(word), "{message}");
    }
    let server = Server::start(|_, _| Reply::status(503));
    let message = fail(&world.store(&server.url), &model(&[("a", None)]));
    assert!(message.contains("the hub answered HTTP 503; try again later"), "{message}");

    let cdn = Server::start(|_, _| Reply::status(403));
    let hub = Server::start(move |_, _| Reply::status(302).header("Location", cdn.url.clone()));
    let message = fail(&world.store(&hub.url), &model(&[("a", None)]));
    assert!(message.contains("the server the hub redirects to answered HTTP 403"), "not gated: {message}");
    assert!(world.left().is_empty(), "{:?}", world.left());
}

#[test]
fn an_unpinned_revision_has_an_identity_once_fetched() {
    let server = Server::start(|request, _| Reply::content(b"abc", request).header("ETag", ABC));
    let world = World::new();
    let store = world.store(&server.url);
    let files = BTreeMap::from([("t.parquet".to_string(), None)]);
    let source =
        Source::Hub { repo: "acme/text".into(), dataset: true, revision: "refs/convert/parquet".into(), files };
    assert!(store.identity(&source).unwrap_err().to_string().contains("can move"));
    fetch(&store, &source).unwrap();
    let pinned = format!("hub:datasets/acme/text@refs/convert/parquet[t.parquet={ABC}]");
    assert_eq!(store.identity(&source).unwrap(), pinned);
    assert_eq!(server.seen()[0].path, "/datasets/acme/text/resolve/refs%2Fconvert%2Fparquet/t.parquet");
}

#[cfg(unix)]
#[test]
fn right_files_in_the_cache_of_the_hubs_tools_are_used_where_they_are() {
    let server = Server::start(|request, _| Reply::content(&digits(), request).header("ETag", DIGITS));
    let (world, theirs) = (World::new(), tempfile::tempdir().unwrap());
    let repo = theirs.path().join("models--acme--tiny");
    let snapshot = repo.join("snapshots").join(COMMIT);
    fs::create_dir_all(repo.join("blobs")).unwrap();
    fs::create_dir_all(&snapshot).unwrap();
    // The content of config.json matches its checksum; that of w.bin does not.
    for (name, etag) in [("config.json", ABC_BLOB), ("w.bin", DIGITS)] {
        fs::write(repo.join("blobs").join(etag), "abc").unwrap();
        std::os::unix::fs::symlink(format!("../../blobs/{etag}"), snapshot.join(name)).unwrap();
    }
    let store = world.store(&server.url).with_hub_cache(Some(theirs.path().into()));
    let fetched = fetch(&store, &model(&[("config.json", None), ("w.bin", None)])).unwrap();
    assert_eq!(fetched.files["config.json"].path, snapshot.join("config.json"));
    assert_eq!(fetched.files["w.bin"].sha256, DIGITS);
    assert!(fetched.files["w.bin"].path.starts_with(world.folder.path()));
    assert_eq!(server.seen().len(), 1);
    assert_eq!(fs::read_dir(&snapshot).unwrap().count(), 2, "nothing is written there");
}
