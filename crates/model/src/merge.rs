//! How mapped traits meet posted and stored ones.

use crate::identity_schema::TraitError;
use serde_json::Value;

/// Sign-up: mapped leaves that are set and accepted win, everything else comes from the form.
pub fn merge_form_over_mapper(_mapped: &Value, _form: &Value, _refused: &[TraitError]) -> Value {
    Value::Null
}

/// Update on login: deep merge, the mapper wins, keys that it leaves out stay.
pub fn merge_update(_current: &Value, _mapped: &Value) -> Value {
    Value::Null
}
