//! JSON Schemas: of profiles, and of what is printed as JSON. They are kept with the documentation.

use clap::builder::PossibleValuesParser;

/// What there is a schema of, and the schema.
const ALL: [(&str, &str); 10] = [
    ("profile", include_str!("../../docs/schema/profile.json")),
    ("report", include_str!("../../docs/schema/report.json")),
    ("explain", include_str!("../../docs/schema/explain.json")),
    ("learn", include_str!("../../docs/schema/learn.json")),
    ("doctor", include_str!("../../docs/schema/doctor.json")),
    ("profile-list", include_str!("../../docs/schema/profile-list.json")),
    ("profile-show", include_str!("../../docs/schema/profile-show.json")),
    ("profile-check", include_str!("../../docs/schema/profile-check.json")),
    ("question", include_str!("../../docs/schema/question.json")),
    ("answer", include_str!("../../docs/schema/answer.json")),
];

/// Takes the name of a schema.
pub(crate) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(ALL.map(|(name, _)| name))
}

/// The schema of this name.
pub(crate) fn of(name: &str) -> &'static str {
    ALL.iter().find(|(known, _)| *known == name).map_or("", |(_, schema)| schema)
}
