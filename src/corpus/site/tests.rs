use super::*;

#[test]
fn names_are_known_in_every_spelling() {
    let mut site = Site::default();
    site.speak("de");
    site.list(6, "Datei");
    site.list(3, "Benutzer Diskussion");
    for name in ["Datei", "datei", "DATEI", " Datei ", "Bild", "File", "Image", "\u{200e}Datei"] {
        assert_eq!(site.namespace(name), Some(FILE), "{name}");
    }
    assert_eq!(site.namespace("Benutzer__Diskussion"), Some(3));
    assert_eq!(site.namespace("Kategorie"), Some(CATEGORY));
    // English Wikipedia's own are not German Wikipedia's.
    assert_eq!((site.namespace("Draft"), Site::default().namespace("Draft")), (None, Some(118)));
    assert_eq!(site.of_title("Bild:A"), FILE);
    assert_eq!((site.of_title("Alien: Romulus"), site.of_title("Donau")), (MAIN, MAIN));
}

#[test]
fn redirects_are_known_in_every_language() {
    let redirects = [
        "#REDIRECT [[A]]",
        "\n #Redirect: [[A]] {{R}}",
        "#WEITERLEITUNG[[A]]",
        "#перенаправление [[A]]",
        "#転送 [[A]]",
    ];
    assert!(redirects.into_iter().all(is_redirect));
    for text in ["# redirects [[A]]", "#redirect A", "#Item [[A]]", "redirect [[A]]", "", "#"] {
        assert!(!is_redirect(text), "{text}");
    }
    assert!(words::REDIRECT.iter().all(|word| word.to_lowercase() == *word));
    let lower = |names: &[&str]| names.iter().all(|name| plain(name) == *name);
    assert!(words::NAMES.iter().all(|(_, files, categories)| lower(files) && lower(categories)));
}

#[test]
fn codes_of_languages_are_not_words() {
    assert!(["fr", "simple", "be-x-old", "zh-min-nan"].into_iter().all(is_language));
    assert!(!["re", "csi", "cat", "", "fr de", "utc−05"].into_iter().any(is_language));
}
