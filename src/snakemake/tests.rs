use super::*;

#[test]
fn words_survive_the_shell() {
    assert_eq!(quoted("experiments/x.yaml"), "experiments/x.yaml");
    for word in ["calibrate wiki", "it's", "a=[1, 2]", "", "$HOME `x` \"y\"", "{braces}"] {
        let script = format!("printf %s {}", quoted(word));
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
    }
}

#[test]
fn comments_stay_on_their_line_and_paths_are_no_options() {
    assert_eq!(one_line("a\r\nimport os\u{2028}b"), "a  import os b");
    assert_eq!(argument(Path::new("-x.yaml")), "./-x.yaml");
    assert!(readable(Path::new("a b/c"), true).is_ok() && readable(Path::new("{a}"), false).is_ok());
    let message = readable(Path::new("results {x}/tiny"), true).unwrap_err().to_string();
    assert!(message.contains("results {x}/tiny") && message.contains("--results"), "{message}");
}
