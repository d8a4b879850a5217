//! JSON Schemas: of profiles, and of what is printed as JSON. They are kept with the documentation.

use crate::texts::Texts;

/// What there is a schema of, and the schema.
pub(crate) const SCHEMAS: Texts<11> = Texts([
    ("profile", include_str!("../../docs/schema/profile.json")),
    ("report", include_str!("../../docs/schema/report.json")),
    ("explain", include_str!("../../docs/schema/explain.json")),
    ("learn", include_str!("../../docs/schema/learn.json")),
    ("why", include_str!("../../docs/schema/why.json")),
    ("doctor", include_str!("../../docs/schema/doctor.json")),
    ("profile-list", include_str!("../../docs/schema/profile-list.json")),
    ("profile-show", include_str!("../../docs/schema/profile-show.json")),
    ("profile-check", include_str!("../../docs/schema/profile-check.json")),
    ("question", include_str!("../../docs/schema/question.json")),
    ("answer", include_str!("../../docs/schema/answer.json")),
]);
