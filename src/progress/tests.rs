use super::*;

#[test]
fn rates_are_short() {
    assert_eq!([0.254, 19.96, 970.495_677].map(rate), ["0.3", "20.0", "970"]);
}
