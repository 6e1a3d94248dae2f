use super::*;
use crate::message::Message;
use serde_json::json;

fn refused(pointers: &[&str]) -> Vec<TraitError> {
    pointers
        .iter()
        .map(|pointer| TraitError {
            pointer: (*pointer).to_owned(),
            node_name: String::new(),
            message: Message::generic("refused"),
            report: "".into(),
        })
        .collect()
}

#[test]
fn accepted_leaves_of_the_mapper_win_and_the_form_fills_the_rest() {
    for (mapped, form, errors, expected) in [
        // The mapper set it and the schema accepts it.
        (json!({"email": "a@x"}), json!({"email": "evil@x"}), &[][..], json!({"email": "a@x"})),
        // Left out or null: from the form.
        (json!({}), json!({"email": "b@x"}), &["#/traits/email"], json!({"email": "b@x"})),
        (json!({"email": null}), json!({"email": "b@x"}), &["#/traits/email"], json!({"email": "b@x"})),
        (json!({"email": null}), json!({"email": "b@x"}), &[], json!({"email": "b@x"})),
        // Refused: from the form if it has one, else it stays to be shown.
        (json!({"email": "nope"}), json!({"email": "b@x"}), &["#/traits/email"], json!({"email": "b@x"})),
        (json!({"email": 5}), json!({"name": {}}), &["#/traits/email"], json!({"email": 5, "name": {}})),
        // Single leaves of an object.
        (
            json!({"name": {"first": "Mapper", "last": null}}),
            json!({"name": {"first": "Form", "last": "Form", "middle": "Form"}}),
            &[],
            json!({"name": {"first": "Mapper", "last": "Form", "middle": "Form"}}),
        ),
        (
            json!({"name": {"first": "Mapper"}}),
            json!({"name": {"first": "Form"}}),
            &["#/traits/name/first"],
            json!({"name": {"first": "Form"}}),
        ),
        // A text where an object belongs gives way to the form's object.
        (json!({"name": "Alice"}), json!({"name": {}}), &["#/traits/name"], json!({"name": {}})),
        // A list counts as one leaf, and one bad item refuses it.
        (json!({"groups": ["a"]}), json!({"groups": ["b", "c"]}), &[], json!({"groups": ["a"]})),
        (json!({"groups": ["a", 1]}), json!({"groups": ["b"]}), &["#/traits/groups/1"], json!({"groups": ["b"]})),
        // An error about the object as a whole refuses no leaf, nor does one about a longer name.
        (
            json!({"email": "a@x", "shoe": 42}),
            json!({"email": "b@x"}),
            &["#/traits"],
            json!({"email": "a@x", "shoe": 42}),
        ),
        (json!({"mail": "a@x"}), json!({"mail": "b@x"}), &["#/traits/mail2"], json!({"mail": "a@x"})),
        // A name with a slash.
        (json!({"a/b": 1}), json!({"a/b": 2}), &["#/traits/a~1b"], json!({"a/b": 2})),
    ] {
        let merged = merge_form_over_mapper(&mapped, &form, &refused(errors));
        assert_eq!(merged, expected, "{mapped} {form} {errors:?}");
    }
}

#[test]
fn updates_keep_what_the_mapper_leaves_out() {
    for (current, mapped, expected) in [
        (json!({"a": 1, "b": 2}), json!({"a": 3}), json!({"a": 3, "b": 2})),
        (json!({"n": {"x": 1, "y": 2}}), json!({"n": {"x": 3}}), json!({"n": {"x": 3, "y": 2}})),
        (json!({"n": {"x": 1}}), json!({"n": {}}), json!({"n": {"x": 1}})),
        (
            json!({"a": 1, "b": "x", "c": [1]}),
            json!({"a": null, "b": "", "c": []}),
            json!({"a": null, "b": "", "c": []}),
        ),
        (json!({"a": {"x": 1}}), json!({"a": "text"}), json!({"a": "text"})),
        (json!({"a": "text"}), json!({"a": {"x": 1}}), json!({"a": {"x": 1}})),
        (json!({}), json!({"a": 1}), json!({"a": 1})),
    ] {
        assert_eq!(merge_update(&current, &mapped), expected);
    }
}
