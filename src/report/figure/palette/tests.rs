use super::*;

#[test]
fn arms_of_a_method_share_colour_and_differ_otherwise() {
    let arms = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];
    let styles = assign(arms.map(|arm| ("corda", arm)));
    for (i, (_, a)) in styles.iter().enumerate() {
        assert_eq!((a.colour, a.shape), (KNOWN[2].1, KNOWN[2].2));
        for (_, b) in &styles[i + 1..] {
            assert_ne!((a.dash, a.fill), (b.dash, b.fill));
        }
    }
}

#[test]
fn a_known_method_looks_the_same_whatever_else_is_there() {
    let alone = assign([("asvd", "x")]);
    let among = assign([("plain-svd", "p"), ("new", "n"), ("asvd", "x"), ("asvd", "x")]);
    assert_eq!(alone[0].1, among[2].1);
    assert_eq!(among.len(), 3);
}

#[test]
fn unknown_methods_do_not_collide() {
    let styles = assign([("m1", "a"), ("m5", "b"), ("m9", "c"), ("corda", "d")]);
    for (i, (_, a)) in styles.iter().enumerate() {
        assert!(styles[i + 1..].iter().all(|(_, b)| a.colour != b.colour && a.shape != b.shape));
    }
}
