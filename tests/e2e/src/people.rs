//! Crowds of people at the stand-in.

use bia_fake_entra::Control;
use uuid::Uuid;

/// `p0`, `p1`, … with addresses at Contoso.
///
/// # Panics
/// When the stand-in doesn't know Alice, after whom they are made.
pub fn populate(control: &Control, people: usize) {
    let alice = control.person("alice").expect("alice");
    for index in 0..people {
        let mut person = alice.clone();
        person.key = format!("p{index}");
        person.oid = Uuid::new_v4().to_string();
        person.email = Some(email(index));
        person.upn = email(index);
        control.put_person(person);
    }
}

/// The address of one of them.
pub fn email(index: usize) -> String {
    format!("p{index}@contoso.example")
}
