//! The generated parts of the pages in `docs/`: the reference of keys and that of columns, each between two marks. The tests
//! here fail where a page is not current; `make docs` writes it anew.

mod columns;
mod keys;

use std::path::Path;

/// Set to write pages instead of comparing them.
const UPDATE: &str = "UPDATE_DOCS";

/// Marks around the generated part of a page.
const MARKS: [&str; 2] = ["<!-- generated: `make docs` -->\n", "<!-- end of the generated part -->\n"];

#[test]
fn docs_are_current() {
    for (name, generated) in [("experiments.md", keys::reference()), ("results.md", columns::reference())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(MARKS[0]).expect("the first mark");
        let (_, after) = rest.split_once(MARKS[1]).expect("the last mark");
        let current = [before, MARKS[0], &generated, MARKS[1], after].concat();
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &current).unwrap();
        } else {
            assert!(page == current, "docs/{name} is not current; run: make docs");
        }
    }
}

/// A Markdown table.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|name| (*name).to_string()).collect();
    let rule = vec!["---".to_string(); head.len()];
    let rows = rows.iter().map(|cells| cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>());
    [head, rule].into_iter().chain(rows).map(|cells| line(&cells)).collect()
}
