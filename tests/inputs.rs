//! The binary from outside: every kind of input, intact and damaged.

use std::path::Path;

use crate::tiny;
use crate::tiny::Tiny;
use crate::tiny::binary::{fails, succeeds};
use polars::prelude::{Column, DataFrame, ParquetWriter};

/// A folder with the tiny experiment and one change to its spec.
fn changed(from: &str, to: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    assert!(tiny::SPEC.contains(from), "{from}");
    std::fs::write(folder.path().join("tiny.yaml"), tiny::SPEC.replace(from, to)).unwrap();
    folder
}

fn rows(folder: &Path) -> Vec<corda::results::Row> {
    corda::results::read_rows(&folder.join("results/tiny/results.parquet")).unwrap()
}

/// Losses by arm and point.
fn losses(folder: &Path) -> Vec<(String, u32, f64)> {
    rows(folder).into_iter().map(|row| (row.arm, row.discarded, row.nll)).collect()
}

fn losses_of_plain_text() -> Vec<(String, u32, f64)> {
    let folder = changed("", "");
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    losses(folder.path())
}

#[test]
fn a_share_of_each_rank_is_discarded() {
    let folder = changed("{components: [0, 2, 8]}", "{share: [0, 0.125, 0.5]}");
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    let rows = rows(folder.path());
    assert_eq!(rows.len(), 1 + 4 * 2);
    // Ranks are 64 (q, o, gate, up, down, head) and 32 (k, v); `discarded` is that of the widest.
    let points: Vec<_> = rows[1..3].iter().map(|row| (row.share, row.discarded)).collect();
    assert_eq!(points, [(0.125, 8), (0.5, 32)]);
    assert!(rows[1..].iter().all(|row| row.delta_nll != 0.0));
    let table = std::fs::read_to_string(folder.path().join("results/tiny/table.md")).unwrap();
    assert!(table.contains("12.5%") && table.contains("50%"), "{table}");
}

#[test]
fn a_rank_that_is_exhausted_is_an_error_unless_capped() {
    let folder = changed("[0, 2, 8]}", "[0, 8, 40]}");
    fails(folder.path(), &["run", "tiny.yaml"], &["r = 40", "k_proj", "cap: true"]);
    let folder = changed("[0, 2, 8]}", "[0, 8, 40], cap: true}");
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    let rows = rows(folder.path());
    // Three blocks: in each 31 of k and v, 40 of five others; 40 of the head.
    let share = (3.0 * (2.0 * 31.0 + 5.0 * 40.0) + 40.0) / (3.0 * (2.0 * 32.0 + 5.0 * 64.0) + 64.0);
    assert!(rows[2].discarded == 40 && (rows[2].share - share).abs() < 1e-12, "{:?}", rows[2]);
}

#[test]
fn two_readings_of_one_file_are_two_texts() {
    let folder = changed(
        "{file: train.txt, format: text}, samples: 6, length: 128}",
        "{file: qa.jsonl, format: jsonl, field: question}, samples: 6, length: 128}\n  \
         answers: {corpus: {file: qa.jsonl, format: jsonl, field: answer}, samples: 6, length: 128}",
    );
    let spec = folder.path().join("tiny.yaml");
    let text = std::fs::read_to_string(&spec).unwrap();
    let text = text.replace("calibration: own, samples: 2", "calibration: answers");
    std::fs::write(&spec, text).unwrap();
    let line = serde_json::json!({"question": tiny::text(20_000, 5), "answer": tiny::text(20_000, 77)}).to_string();
    std::fs::write(folder.path().join("qa.jsonl"), line + "\n").unwrap();
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    let rows = rows(folder.path());
    let nll = |arm: &str| rows.iter().find(|row| row.arm == arm && row.discarded == 8).unwrap().nll;
    assert_ne!(nll("corda-own-6"), nll("corda-answers-6"));
}

#[test]
fn what_takes_nothing_or_shows_nothing_is_told_or_left_out() {
    for nothing in ["{components: [0]}", "{share: [0, 0.001]}"] {
        let folder = changed("{components: [0, 2, 8]}", nothing);
        fails(folder.path(), &["run", "tiny.yaml"], &["nothing is discarded"]);
    }
    // A test set on which no arm is evaluated gives a warning and no section in the report.
    let folder = changed(
        "evaluate:\n",
        "evaluate:\n  unused: {corpus: {file: train.txt, format: text}, windows: 2, length: 128}\n",
    );
    let spec = folder.path().join("tiny.yaml");
    let text = std::fs::read_to_string(&spec).unwrap();
    std::fs::write(
        &spec,
        text.replace("own}", "own, evaluate: [test]}")
            .replace("plain-svd}", "plain-svd, evaluate: [test]}")
            .replace("samples: 2}", "samples: 2, evaluate: [test]}"),
    )
    .unwrap();
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    let table = std::fs::read_to_string(folder.path().join("results/tiny/table.md")).unwrap();
    assert!(table.contains("## test:") && !table.contains("## unused"), "{table}");
}

/// `train.txt` and `test.txt` as parquet, one document each.
fn write_parquet(folder: &Path) {
    for name in ["train", "test"] {
        let text = std::fs::read_to_string(folder.join(name).with_extension("txt")).unwrap();
        let mut frame = DataFrame::new(1, vec![Column::new("text".into(), vec![text])]).unwrap();
        let file = std::fs::File::create(folder.join(name).with_extension("parquet")).unwrap();
        ParquetWriter::new(file).finish(&mut frame).unwrap();
    }
}

#[test]
fn parquet_and_jsonl_give_what_text_gives() {
    let expected = losses_of_plain_text();
    let folder = changed(".txt, format: text", ".parquet, format: parquet, column: text");
    write_parquet(folder.path());
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert_eq!(losses(folder.path()), expected);

    let folder = changed(".txt, format: text", ".jsonl, format: jsonl, field: text");
    for name in ["train", "test"] {
        let text = std::fs::read_to_string(folder.path().join(name).with_extension("txt")).unwrap();
        let line = serde_json::json!({"text": text, "other": 1}).to_string();
        std::fs::write(folder.path().join(name).with_extension("jsonl"), line + "\n").unwrap();
    }
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert_eq!(losses(folder.path()), expected);
}

#[test]
fn damaged_parquet_is_one_clear_message() {
    let folder = changed(".txt, format: text", ".parquet, format: parquet, column: text");
    write_parquet(folder.path());
    let path = folder.path().join("test.parquet");
    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 3, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        fails(folder.path(), &["run", "tiny.yaml"], &["test.parquet"]);
    }
    std::fs::write(&path, &whole).unwrap();
    let spec = folder.path().join("tiny.yaml");
    let text = std::fs::read_to_string(&spec).unwrap();
    std::fs::write(&spec, text.replace("column: text", "column: txt")).unwrap();
    fails(folder.path(), &["run", "tiny.yaml"], &["parquet", "txt", "text"]);
}

#[test]
fn a_gguf_gives_what_the_folder_it_came_from_gives() {
    let tiny = Tiny { hidden: 64, layers: 3, heads: 4, kv_heads: 2, tied: true, rope_scaling: None };
    let folder = changed("{path: model}", "{path: model.gguf}");
    tiny::gguf::write(&tiny, &folder.path().join("model.gguf"));
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert_eq!(losses(folder.path()), losses_of_plain_text());
}

#[test]
fn a_damaged_gguf_is_one_clear_message() {
    let tiny = Tiny { hidden: 64, layers: 3, heads: 4, kv_heads: 2, tied: true, rope_scaling: None };
    let folder = changed("{path: model}", "{path: model.gguf}");
    let path = folder.path().join("model.gguf");
    tiny::gguf::write(&tiny, &path);
    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 3, 20, 300, 2000, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        fails(folder.path(), &["run", "tiny.yaml"], &["model.gguf"]);
    }
    // Whichever byte of the header is wrong, there is a message or a result, never a panic or an abort.
    for at in (0..1500).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5a;
        std::fs::write(&path, &bytes).unwrap();
        let output = tiny::binary::run(folder.path(), &["check", "tiny.yaml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some() && !said.contains("panicked"), "byte {at}: {:?} {said}", output.status);
    }
}

/// A limit on file sizes stands in for a full disk: it needs no file system of its own, and writes fail in the same way.
#[cfg(unix)]
#[test]
fn a_disk_with_no_room_is_one_clear_message_and_the_run_goes_on_later() {
    let folder = changed("", "");
    for kilobytes in [0, 1, 8, 64] {
        // If the signal is ignored, the write returns an error.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" run tiny.yaml", kilobytes * 2);
        let output = std::process::Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_corda")])
            .current_dir(folder.path())
            .env_remove("CORDA_CACHE")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| code != 0), "{kilobytes}: {said}");
        assert!(said.contains("error: cannot") && !said.contains("panicked"), "{kilobytes}: {said}");
        assert!(!folder.path().join("results/tiny/results.parquet").exists());
    }
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert_eq!(losses(folder.path()), losses_of_plain_text());
}

#[test]
fn bad_specs_are_shown_with_position_and_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    for (from, to, said) in [
        ("method: plain-svd", "method: plane-svd", vec!["tiny.yaml:8", "plain-svd"]),
        ("targets: all", "target: all", vec!["tiny.yaml:4", "targets"]),
        ("samples: 6", "samples: six", vec!["tiny.yaml:6", "six"]),
        ("[0, 2, 8]", "[0, 2, 64]", vec!["tiny.yaml:12", "rank"]),
        ("length: 128}\n", "length: 4096}\n", vec!["context"]),
        ("calibration: own}", "calibration: owm}", vec!["own"]),
        ("{path: model}", "smollm2", vec!["smollm2"]),
    ] {
        std::fs::write(folder.path().join("tiny.yaml"), tiny::SPEC.replace(from, to)).unwrap();
        for command in ["check", "run", "plan"] {
            fails(folder.path(), &[command, "tiny.yaml"], &said);
        }
    }
    fails(folder.path(), &["run", "nowhere.yaml"], &["nowhere.yaml"]);
}

#[test]
fn bad_files_are_one_clear_message() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    let spec = |from: &str, to: &str| {
        std::fs::write(folder.path().join("tiny.yaml"), tiny::SPEC.replace(from, to)).unwrap();
    };
    spec("windows: 24", "windows: 2400");
    fails(folder.path(), &["run", "tiny.yaml"], &["2400", "windows"]);
    spec("file: test.txt", "file: gone.txt");
    fails(folder.path(), &["run", "tiny.yaml"], &["gone.txt"]);
    spec("file: train.txt, format: text", "file: train.txt, format: parquet, column: text");
    fails(folder.path(), &["run", "tiny.yaml"], &["train.txt"]);
    spec("samples: 6, length: 128", "samples: 600, length: 128, sampling: contiguous");
    fails(folder.path(), &["run", "tiny.yaml"], &["600"]);
    spec("", "");
    let weights = folder.path().join("model/model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    for cut in [4, 200, whole.len() - 1] {
        std::fs::write(&weights, &whole[..cut]).unwrap();
        fails(folder.path(), &["run", "tiny.yaml"], &["model.safetensors", "truncated or corrupt"]);
    }
    std::fs::write(&weights, b"").unwrap();
    fails(folder.path(), &["run", "tiny.yaml"], &["model.safetensors", "is empty"]);
    std::fs::write(&weights, &whole).unwrap();
    std::fs::write(folder.path().join("results"), "a file where the folder should be").unwrap();
    fails(folder.path(), &["run", "tiny.yaml"], &["results"]);
}

#[test]
fn weights_that_are_not_finite_name_the_linear_and_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    tiny::experiment(folder.path());
    let weights = folder.path().join("model/model.safetensors");
    let mut tensors = candle_core::safetensors::load(&weights, &candle_core::Device::Cpu).unwrap();
    let name = "model.layers.1.mlp.up_proj.weight";
    let broken = (tensors[name].clone() * f64::INFINITY).unwrap();
    tensors.insert(name.into(), broken);
    candle_core::safetensors::save(&tensors, &weights).unwrap();
    fails(folder.path(), &["run", "tiny.yaml"], &["model.layers.1.mlp.down_proj", "sample 0"]);
}

/// Universal newlines as in Python, which the official code uses: line ends and a byte order mark do not change the text.
#[test]
fn line_ends_do_not_change_a_text() {
    let expected = losses_of_plain_text();
    for (mark, end) in [("", "\r\n"), ("\u{feff}", "\r")] {
        let folder = changed("", "");
        for name in ["train.txt", "test.txt"] {
            let path = folder.path().join(name);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains('\n'));
            std::fs::write(&path, format!("{mark}{}", text.replace('\n', end))).unwrap();
        }
        succeeds(folder.path(), &["run", "tiny.yaml"]);
        assert_eq!(losses(folder.path()), expected, "{end:?}");
    }
}

#[test]
fn text_that_is_not_utf8_is_named_by_its_place_or_kind() {
    let utf16: Vec<u8> = "\u{feff}line\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&[u8], &[&str]); 3] = [
        (&utf16, &["test.txt", "UTF-16", "iconv"]),
        (b"one\rtwo\r\ncaf\xe9", &["test.txt, line 3", "0xE9"]),
        (b"\x1f\x8b\x08\0", &["test.txt", "gzip", "gunzip"]),
    ];
    for (bytes, said) in cases {
        let folder = changed("", "");
        std::fs::write(folder.path().join("test.txt"), bytes).unwrap();
        fails(folder.path(), &["run", "tiny.yaml"], said);
    }
}

/// The tiny experiment whose tokenizer puts a token before every text, with this `bos`.
fn with_bos(bos: &str) -> tempfile::TempDir {
    let folder = changed("windows: 24, length: 128}", &format!("windows: 24, length: 128, bos: {bos}}}"));
    let path = folder.path().join("model/tokenizer.json");
    let mut tokenizer: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    tokenizer["post_processor"] = serde_json::json!({
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<unk>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<unk>": {"id": "<unk>", "ids": [0], "tokens": ["<unk>"]}},
    });
    std::fs::write(path, tokenizer.to_string()).unwrap();
    folder
}

#[test]
fn the_beginning_of_text_token_stands_where_the_spec_says() {
    // Without such a token in the tokenizer there is nothing to leave out, and nothing to begin a window with.
    let plain = losses_of_plain_text();
    let folder = changed("windows: 24, length: 128}", "windows: 24, length: 128, bos: none}");
    succeeds(folder.path(), &["run", "tiny.yaml"]);
    assert_eq!(losses(folder.path()), plain);
    let folder = changed("windows: 24, length: 128}", "windows: 24, length: 128, bos: window}");
    fails(folder.path(), &["check", "tiny.yaml"], &["tiny.yaml", "`test`", "beginning-of-text", "bos: stream"]);

    let losses_with = |bos: &str| {
        let folder = with_bos(bos);
        let said = succeeds(folder.path(), &["run", "tiny.yaml"]);
        let page = std::fs::read_to_string(folder.path().join("results/tiny/report.html")).unwrap();
        (losses(folder.path()), page, said, folder)
    };
    let (stream, page, ..) = losses_with("stream");
    assert!(
        page.contains("windows of 128 tokens of test.txt") && page.contains("as the tokenizer begins it"),
        "{page}"
    );
    let (none, page, ..) = losses_with("none");
    assert!(page.contains("leaves out the beginning-of-text token"), "a warning, also on the page");
    let (window, page, _, folder) = losses_with("window");
    assert!(page.contains("each the beginning-of-text token and 127 tokens"), "{page}");
    // Of the undamaged model: calibration samples begin as the tokenizer begins a text in any case.
    assert!(none[0] == plain[0] && stream[0] != none[0] && window[0] != stream[0] && window[0] != none[0]);

    // By the library: 24 windows of the token and 127 tokens.
    let checkpoint = corda::model::checkpoint::Checkpoint::open_path(&folder.path().join("model")).unwrap();
    let model = corda::model::weights::Resident::read(&checkpoint, &candle_core::Device::Cpu).unwrap();
    let text = std::fs::read_to_string(folder.path().join("test.txt")).unwrap();
    let tokens = checkpoint.tokenizer().unwrap().encode_plain(&text).unwrap();
    let mean = tokens.chunks_exact(127).take(24).map(|part| {
        let tokens: Vec<u32> = std::iter::once(0).chain(part.iter().copied()).collect();
        let rotary = corda::model::rotary::Rotary::new(&model.config, 128, &candle_core::Device::Cpu).unwrap();
        let mut hidden = corda::model::decoder::embed(&model, &tokens).unwrap();
        for block in &model.blocks {
            let none = &mut |_, _: &candle_core::Tensor| Ok(());
            hidden = corda::model::decoder::block_forward(&model.config, &rotary, block, &hidden, none).unwrap();
        }
        let losses = corda::model::decoder::losses(&model, &hidden, &tokens).unwrap();
        losses.iter().sum::<f64>() / losses.len() as f64 / 24.0
    });
    let expected: f64 = mean.sum();
    assert!((window[0].2 - expected).abs() < 1e-9, "{:?} against {expected}", window[0]);
}
