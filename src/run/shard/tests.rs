use super::*;

#[test]
fn shards_are_read_and_share_out_everything_once() {
    assert_eq!("2/8".parse(), Ok(Shard { part: 2, of: 8 }));
    for wrong in ["0/2", "3/2", "2", "a/b", "1/0", "-1/2"] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
    for index in 0..20 {
        assert_eq!((1..=3).filter(|&part| Shard { part, of: 3 }.has(index)).count(), 1);
    }
}
