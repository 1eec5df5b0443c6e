//! The paper's claims on fine-tuning, as rules: its Table 1 (knowledge-preserved mode), Table 2 (instruction-previewed mode),
//! Figure 3 (training loss) and Table 4 (which components, which context).

use crate::report::claims::{Alike, On, Pick, Rule};

/// CorDA in knowledge-preserved mode: the smallest components against questions of knowledge.
const KPM: Pick = Pick { own: Some(true), ..pick("corda", Some("smallest")) };
/// The same against another text.
const ELSEWHERE: Pick = Pick { own: Some(false), ..pick("corda", Some("smallest")) };
/// CorDA in instruction-previewed mode.
const IPM: Pick = Pick { own: Some(false), ..pick("corda", Some("largest")) };
const PISSA: Pick = pick("plain-svd", Some("largest"));
const PLAIN_SMALLEST: Pick = pick("plain-svd", Some("smallest"));
const LORA: Pick = pick("lora", None);
const FULL: Pick = pick("full", None);

const fn pick(method: &'static str, end: Option<&'static str>) -> Pick {
    Pick { method, end, own: None }
}

const fn rule(source: &'static str, text: &'static str, on: On, first: Pick, other: Pick) -> Rule {
    Rule { text, source, on, first, other, alike: &[Alike::Rank], or_equal: false }
}

/// In the paper's order.
pub const RULES: [Rule; 10] = [
    rule("Table 1", "CorDA in knowledge-preserved mode keeps knowledge better than LoRA", On::Knowledge, KPM, LORA),
    rule("Table 1", "CorDA in knowledge-preserved mode keeps knowledge better than PiSSA", On::Knowledge, KPM, PISSA),
    rule(
        "Table 1",
        "CorDA in knowledge-preserved mode keeps knowledge better than full fine-tuning",
        On::Knowledge,
        KPM,
        FULL,
    ),
    Rule {
        or_equal: true,
        ..rule(
            "Table 1",
            "CorDA in knowledge-preserved mode learns the task at least as well as LoRA",
            On::Task,
            KPM,
            LORA,
        )
    },
    rule("Table 2", "CorDA in instruction-previewed mode learns the task better than PiSSA", On::Task, IPM, PISSA),
    rule("Table 2", "PiSSA learns the task better than LoRA", On::Task, PISSA, LORA),
    rule(
        "Figure 3",
        "CorDA in instruction-previewed mode has a lower training loss than PiSSA",
        On::Training,
        IPM,
        PISSA,
    ),
    rule("Figure 3", "PiSSA has a lower training loss than LoRA", On::Training, PISSA, LORA),
    rule(
        "Table 4",
        "The smallest components keep knowledge better by CO-SVD with a context of questions than by plain SVD",
        On::Knowledge,
        KPM,
        PLAIN_SMALLEST,
    ),
    rule(
        "Table 4",
        "The smallest components of CO-SVD keep knowledge better with a context of questions than with another",
        On::Knowledge,
        KPM,
        ELSEWHERE,
    ),
];
