use super::*;
use crate::model::shape::SMOLLM2;
use crate::train::fixture;

#[test]
fn full_fine_tuning_holds_six_models_on_two_threads_and_adapters_little_more_than_one() {
    let shape = SMOLLM2;
    let adapters: Vec<_> = shape.linears()[..210].iter().map(|l| (l.clone(), 32)).collect();
    let model = 4.0 * shape.parameters() as f64;
    // Activations: 0.6 GB for 512 tokens.
    let activations = 512.0 * 4.0 * kept(&shape, Tuning::Full, &[]) as f64;
    assert!((0.55e9..0.7e9).contains(&activations), "{activations}");
    let full = step(&shape, Tuning::Full, &[], 100, 2) as f64 - 2.0 * activations;
    assert!((6.0..7.5).contains(&(full / model)), "{}", full / model);
    let lora = step(&shape, Tuning::Lora, &adapters, 100, 2) as f64 - 2.0 * activations;
    assert!((1.0..1.7).contains(&(lora / model)), "{}", lora / model);
    assert!(step(&shape, Tuning::Dora, &adapters, 100, 2) > step(&shape, Tuning::Lora, &adapters, 100, 2));
    assert!(step(&shape, Tuning::Lora, &adapters, 2000, 2) > step(&shape, Tuning::Lora, &adapters, 100, 2));
}

#[test]
fn trained_values_are_those_of_the_trainer() {
    for kind in [Tuning::Full, Tuning::Lora, Tuning::Dora] {
        let shape = fixture::shape(true);
        let adapters: Vec<_> = shape.linears()[..14].iter().map(|l| (l.clone(), 3)).collect();
        let found = fixture::trainer(kind, true).trained_parameters() as u64;
        assert_eq!(trained(&shape, kind, &adapters), found, "{kind:?}");
    }
}
