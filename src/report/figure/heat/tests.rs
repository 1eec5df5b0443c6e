use super::*;

#[test]
fn the_scale_runs_from_dark_to_light() {
    let light = |c: RGBColor| 0.3 * f64::from(c.0) + 0.59 * f64::from(c.1) + 0.11 * f64::from(c.2);
    assert!((1..STEPS).all(|i| light(colour(i)) > light(colour(i - 1))));
    assert_eq!((step(1.0, (0.0, 2.0)), step(100.0, (0.0, 2.0)), step(0.0, (0.0, 2.0))), (0, STEPS - 1, 0));
}

#[test]
fn names_are_short() {
    assert_eq!(short("model.layers.12.self_attn.o_proj"), "layer 12  o_proj");
    assert_eq!(short("model.decoder.layers.3.fc1"), "layer 3  fc1");
    assert_eq!(short("lm_head"), "lm_head");
}
