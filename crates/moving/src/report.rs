//! What a move says in the end: counts, ids, and reasons without values.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// More failures than this are counted, not listed.
const FAILURES_MAX: usize = 1000;

/// What became of the people of a Kratos.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    /// People looked at.
    pub seen: u64,
    pub created: u64,
    /// Were here, and have changed there since.
    pub updated: u64,
    /// Were here just so.
    pub unchanged: u64,
    /// Were here and have changed here since, so they were left alone.
    pub newer_here: u64,
    /// Not carried, with the reason in `failures`.
    pub failed: u64,
    pub failures: Vec<Failure>,
    /// People that no provider is linked to: nobody can sign in as them yet.
    pub without_link: u64,
    /// Links by provider id.
    pub providers: BTreeMap<String, ProviderLinks>,
    /// People with a credential of another kind, which stays behind.
    pub other_credentials: BTreeMap<String, u64>,
    /// Links whose upstream tokens stay behind.
    pub tokens: u64,
    /// Addresses that no trait gives any more, which stay behind.
    pub addresses: u64,
    /// Identity schemas that are not here, or are another one here.
    pub schemas: BTreeMap<String, SchemaState>,
}

/// One person that could not be carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Nil when the answer held none.
    pub id: Uuid,
    /// Names keys and ids, never values.
    pub why: String,
}

/// The links to one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderLinks {
    pub links: u64,
    /// Whether a provider of the configuration has this id or alias.
    pub configured: bool,
    /// `subject_source` of a Microsoft provider.
    pub subject_source: Option<String>,
    /// Links whose subject that source never gives.
    pub misfits: u64,
}

/// What an identity schema is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaState {
    Same,
    /// Another document under the same id.
    Different,
    /// `identity.schemas` doesn't name it.
    Missing,
}

impl ImportReport {
    pub(crate) fn fail(&mut self, id: Uuid, why: String) {
        self.failed += 1;
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(Failure { id, why });
        }
    }

    /// Sentences about what an operator should do or know, in the order of their weight.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for (id, state) in &self.schemas {
            match state {
                SchemaState::Same => {}
                SchemaState::Missing => remarks.push(format!(
                    "Identity schema `{id}` is not in `identity.schemas`: nobody who has it can be carried. Add it under the same id."
                )),
                SchemaState::Different => remarks.push(format!(
                    "Identity schema `{id}` is another document here than there. Copy it, unless you mean that."
                )),
            }
        }
        for (id, provider) in &self.providers {
            if !provider.configured {
                remarks.push(format!(
                    "{} link(s) belong to provider `{id}`, which the configuration does not have. Add it, or name `{id}` in the `aliases` of the provider that takes its place; until then nobody signs in by them.",
                    provider.links
                ));
            }
            if provider.misfits > 0 {
                remarks.push(format!(
                    "{} of {} link(s) to `{id}` have a subject that `subject_source: {}` never gives: those people would be strangers. Use the `subject_source` of the Kratos that made the links, or `microsoft.subject_migration`.",
                    provider.misfits,
                    provider.links,
                    provider.subject_source.as_deref().unwrap_or("userinfo")
                ));
            }
        }
        if self.without_link > 0 {
            remarks.push(format!(
                "{} people have no link to a provider. They can sign in once their address is matched: see `account_linking_mode: automatic` and --trust-verified-addresses.",
                self.without_link
            ));
        }
        remarks.extend(self.left_behind());
        remarks
    }

    fn left_behind(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (kind, people) in &self.other_credentials {
            // Kratos shows one for every identifier of a schema, whether anybody set it up or not.
            left.push(format!("Left behind: credentials of type `{kind}`, shown for {people} people."));
        }
        if self.tokens > 0 {
            left.push(format!("Left behind: upstream tokens of {} link(s).", self.tokens));
        }
        if self.addresses > 0 {
            left.push(format!("Left behind: {} address(es) that no trait gives any more.", self.addresses));
        }
        left.push("Left behind: sessions. Everybody signs in once more.".to_owned());
        left
    }
}

/// What became of people on their way into a Kratos.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendReport {
    pub seen: u64,
    pub created: u64,
    /// Somebody there has the same link, external id, or address and traits already.
    pub there: u64,
    /// Created without a link, an external id or an address: another move would not find them and make them again.
    pub untraceable: u64,
    pub failed: u64,
    pub failures: Vec<Failure>,
}

impl SendReport {
    pub(crate) fn fail(&mut self, id: Uuid, why: String) {
        self.failed += 1;
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(Failure { id, why });
        }
    }
}
