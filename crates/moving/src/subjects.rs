//! Whether the subjects of links fit what the configuration will look for. A wrong `subject_source` makes everybody a
//! stranger, silently, at the first sign-in after the move.

use bia_config::{OidcProvider, ProviderKind, SubjectSource};
use uuid::Uuid;

/// Whether somebody with this subject would be found by a sign-in with this provider. Providers other than
/// Microsoft have subjects of their own making.
pub(crate) fn fits(provider: &OidcProvider, subject: &str) -> bool {
    if provider.provider != ProviderKind::Microsoft {
        return true;
    }
    let migrated = provider.microsoft.subject_migration.as_ref();
    shaped(provider.subject_source, subject) || migrated.is_some_and(|old| shaped(old.from, subject))
}

fn shaped(source: SubjectSource, subject: &str) -> bool {
    match source {
        // The `sub` of Microsoft is 43 letters of base64url, and nothing stops it from looking otherwise one day.
        SubjectSource::Userinfo => !is_uuid(subject) && !subject.contains('/'),
        // Graph: an object id, or the 16 digits of a personal account.
        SubjectSource::Me => is_uuid(subject) || (subject.len() == 16 && is_hexadecimal(subject)),
        SubjectSource::Oid => is_uuid(subject),
        SubjectSource::TidOid => subject.split_once('/').is_some_and(|(tid, oid)| is_uuid(tid) && is_uuid(oid)),
    }
}

/// The name in `kratos.yml`.
pub(crate) fn name(source: SubjectSource) -> &'static str {
    match source {
        SubjectSource::Userinfo => "userinfo",
        SubjectSource::Me => "me",
        SubjectSource::Oid => "oid",
        SubjectSource::TidOid => "tid_oid",
    }
}

/// The object id in `<tid>/<oid>`, for programs that know no such subject.
pub(crate) fn object_id(subject: &str) -> &str {
    match subject.split_once('/') {
        Some((tid, oid)) if is_uuid(tid) && is_uuid(oid) => oid,
        _ => subject,
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OID: &str = "a11ce000-0000-4000-8000-000000000001";
    const SUB: &str = "pwskaw8vKEL9fMP0R10CgtzZHkkNfhHEQoT30l1RvL4";

    #[test]
    fn each_source_knows_its_own_subjects() {
        let both = format!("{OID}/{OID}");
        for (source, fitting) in [
            (SubjectSource::Userinfo, vec![SUB]),
            (SubjectSource::Me, vec![OID, "0003000080002a4b"]),
            (SubjectSource::Oid, vec![OID]),
            (SubjectSource::TidOid, vec![both.as_str()]),
        ] {
            for subject in [SUB, OID, "0003000080002a4b", &both] {
                let expected =
                    fitting.contains(&subject) || (source == SubjectSource::Userinfo && subject == "0003000080002a4b");
                assert_eq!(shaped(source, subject), expected, "{source:?} {subject}");
            }
        }
        assert_eq!((object_id(&both), object_id(SUB)), (OID, SUB));
    }
}
