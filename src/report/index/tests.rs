#[test]
fn links_lead_to_one_folder() {
    assert_eq!(super::link("table6-full_1.2"), "table6-full_1.2");
    assert_eq!(super::link("50% #1?"), "50%25%20%231%3F");
}
