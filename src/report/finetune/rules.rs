//! The paper's claims on fine-tuning, as rules: its Table 1 (knowledge-preserved mode), Table 2 (instruction-previewed mode),
//! Figure 3 (training loss) and Table 4 (which components, which context).

use crate::report::claims::{Alike, On, Pick, Rule};

/// CorDA in knowledge-preserved mode: the smallest components against questions of knowledge.
const KPM: Pick = Pick { own: Some(true), ..Pick::new("corda", Some("smallest")) };
/// The same against another text.
const ELSEWHERE: Pick = Pick { own: Some(false), ..Pick::new("corda", Some("smallest")) };
/// CorDA in instruction-previewed mode.
const IPM: Pick = Pick { own: Some(false), ..Pick::new("corda", Some("largest")) };
const PISSA: Pick = Pick::new("plain-svd", Some("largest"));
const PLAIN_SMALLEST: Pick = Pick::new("plain-svd", Some("smallest"));
const LORA: Pick = Pick::new("lora", None);
const FULL: Pick = Pick::new("full", None);

const fn keeps(source: &'static str, text: &'static str, first: Pick, other: Pick) -> Rule {
    Rule { text, source, on: On::Knowledge, first, other, alike: &[Alike::Rank], or_equal: false }
}

const fn learns(source: &'static str, text: &'static str, first: Pick, other: Pick) -> Rule {
    Rule { on: On::Task, ..keeps(source, text, first, other) }
}

const fn trains(source: &'static str, text: &'static str, first: Pick, other: Pick) -> Rule {
    Rule { on: On::Training, ..keeps(source, text, first, other) }
}

/// In the paper's order.
pub const RULES: [Rule; 10] = [
    keeps("Table 1", "CorDA in knowledge-preserved mode keeps knowledge better than LoRA", KPM, LORA),
    keeps("Table 1", "CorDA in knowledge-preserved mode keeps knowledge better than PiSSA", KPM, PISSA),
    keeps("Table 1", "CorDA in knowledge-preserved mode keeps knowledge better than full fine-tuning", KPM, FULL),
    Rule {
        or_equal: true,
        ..learns("Table 1", "CorDA in knowledge-preserved mode learns the task at least as well as LoRA", KPM, LORA)
    },
    learns("Table 2", "CorDA in instruction-previewed mode learns the task better than PiSSA", IPM, PISSA),
    learns("Table 2", "PiSSA learns the task better than LoRA", PISSA, LORA),
    trains("Figure 3", "CorDA in instruction-previewed mode has a lower training loss than PiSSA", IPM, PISSA),
    trains("Figure 3", "PiSSA has a lower training loss than LoRA", PISSA, LORA),
    keeps(
        "Table 4",
        "The smallest components keep knowledge better by CO-SVD with a context of questions than by plain SVD",
        KPM,
        PLAIN_SMALLEST,
    ),
    keeps(
        "Table 4",
        "The smallest components of CO-SVD keep knowledge better with a context of questions than with another",
        KPM,
        ELSEWHERE,
    ),
];
