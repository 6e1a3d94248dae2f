//! Bodies of `POST` and `PATCH /admin/identities` from identities, and the files they are written into.

use crate::subjects;
use bia_config::Config;
use bia_model::Identity;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// How people are written for Kratos.
#[derive(Clone, Copy)]
pub struct Export<'a> {
    /// Knows aliases and subject sources.
    pub config: &'a Config,
    /// Kratos gives everybody a new id. This keeps the old one where applications can look it up, unless there is an
    /// external id already.
    pub keep_ids: bool,
    /// Links exactly as stored, for another Bia: Kratos knows neither aliases nor subjects of tenant and object id.
    pub links_as_stored: bool,
}

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON array: what `kratos import identities` reads.
    Array,
    /// One body per line.
    Lines,
    /// One body of `PATCH /admin/identities` per line, for up to a thousand people each.
    Batches,
}

impl Export<'_> {
    /// What creates this person anew. Passwords, tokens and sessions are not in it.
    pub fn body(&self, identity: &Identity) -> Value {
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("schema_id", json!(identity.schema_id));
        set("traits", identity.traits.clone());
        set("state", json!(identity.state));
        let own_id = self.keep_ids.then(|| identity.id.to_string());
        // Left out instead of null: older versions of Kratos refuse keys that they don't know.
        if let Some(external_id) = identity.external_id.clone().or(own_id) {
            set("external_id", json!(external_id));
        }
        if let Some(organization_id) = identity.organization_id {
            set("organization_id", json!(organization_id));
        }
        if let Some(metadata) = &identity.metadata_public {
            set("metadata_public", metadata.clone());
        }
        if let Some(metadata) = &identity.metadata_admin {
            set("metadata_admin", metadata.clone());
        }
        let verifiable = identity.verifiable_addresses.iter().map(|address| {
            let mut value = json!({
                "value": address.value, "via": address.via, "verified": address.verified, "status": address.status,
            });
            if let Some(at) = address.verified_at {
                value["verified_at"] = json!(at);
            }
            value
        });
        set("verifiable_addresses", verifiable.collect());
        let recovery = identity.recovery_addresses.iter();
        set(
            "recovery_addresses",
            recovery.map(|address| json!({ "value": address.value, "via": address.via })).collect(),
        );
        let links = self.links(identity);
        if !links.is_empty() {
            set("credentials", json!({ "oidc": { "config": { "providers": links } } }));
        }
        Value::Object(body)
    }

    fn links(&self, identity: &Identity) -> Vec<Value> {
        let links = identity.oidc_links().into_iter().map(|link| {
            let (mut provider, mut subject) = (link.provider.as_str(), link.subject.as_str());
            if !self.links_as_stored {
                subject = subjects::object_id(subject);
                let now = self.config.providers().iter().find(|candidate| candidate.answers_to(provider));
                provider = now.map_or(provider, |candidate| candidate.id.as_str());
            }
            let mut value = json!({ "provider": provider, "subject": subject });
            if link.use_auto_link {
                value["use_auto_link"] = json!(true);
            }
            if let Some(organization) = &link.organization {
                value["organization"] = json!(organization);
            }
            value
        });
        links.collect()
    }
}

/// Writes bodies one after the other, so that memory does not grow with the number of people.
pub struct Writer<W> {
    out: W,
    format: Format,
    batch: Vec<Value>,
    written: u64,
}

/// Kratos: the most identities of one batch.
pub(crate) const BATCH_MAX: usize = 1000;

impl<W: Write> Writer<W> {
    pub fn new(out: W, format: Format) -> Self {
        Self { out, format, batch: Vec::new(), written: 0 }
    }

    /// Adds one person.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn add(&mut self, identity: &Identity, body: Value) -> io::Result<()> {
        match self.format {
            Format::Array => {
                self.out.write_all(if self.written == 0 { b"[\n" } else { b",\n" })?;
                serde_json::to_writer(&mut self.out, &body)?;
            }
            Format::Lines => {
                serde_json::to_writer(&mut self.out, &body)?;
                self.out.write_all(b"\n")?;
            }
            Format::Batches => {
                self.batch.push(json!({ "create": body, "patch_id": identity.id }));
                if self.batch.len() == BATCH_MAX {
                    self.write_batch()?;
                }
            }
        }
        self.written += 1;
        Ok(())
    }

    fn write_batch(&mut self) -> io::Result<()> {
        let batch = std::mem::take(&mut self.batch);
        serde_json::to_writer(&mut self.out, &json!({ "identities": batch }))?;
        self.out.write_all(b"\n")
    }

    /// Closes what is open and says how many people were written.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self) -> io::Result<u64> {
        match self.format {
            Format::Array if self.written == 0 => self.out.write_all(b"[]\n")?,
            Format::Array => self.out.write_all(b"\n]\n")?,
            Format::Batches if !self.batch.is_empty() => self.write_batch()?,
            Format::Lines | Format::Batches => {}
        }
        self.out.flush()?;
        Ok(self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bia_model::{OidcLink, Timestamp};
    use uuid::Uuid;

    fn config() -> Config {
        let text = "dsn: memory
identity: { schemas: [{ id: default, url: 'base64://e30=' }] }
selfservice:
  default_browser_return_url: http://a.example/
  methods:
    oidc:
      enabled: true
      config:
        providers:
          - { id: microsoft, aliases: [azure], provider: microsoft, client_id: c, client_secret: s, microsoft_tenant: common, subject_source: tid_oid, mapper_url: 'base64://e30=' }
";
        let loaded = bia_config::load_text("kratos.yml", text).unwrap_or_else(|errors| panic!("{errors}"));
        loaded.config
    }

    fn alice() -> Identity {
        let mut identity = Identity::new(Uuid::from_u128(1), "default", Timestamp::from_secs(1));
        let subject = format!("{}/{}", Uuid::from_u128(8), Uuid::from_u128(9));
        let link = OidcLink { subject, provider: "azure".to_owned(), ..OidcLink::default() };
        let link = OidcLink { initial_refresh_token: "sealed".to_owned(), ..link };
        identity.set_oidc_links(vec![link], Timestamp::from_secs(1));
        identity
    }

    #[test]
    fn links_are_written_as_kratos_would_have_made_them() {
        let config = config();
        let export = Export { config: &config, keep_ids: false, links_as_stored: false };
        let body = export.body(&alice());
        let link = json!({ "provider": "microsoft", "subject": Uuid::from_u128(9).to_string() });
        assert_eq!(body["credentials"]["oidc"]["config"]["providers"], json!([link]));
        assert!(body.get("external_id").is_none() && !body.to_string().contains("sealed"));
        let as_stored = Export { keep_ids: true, links_as_stored: true, ..export };
        let body = as_stored.body(&alice());
        assert_eq!(body["credentials"]["oidc"]["config"]["providers"][0]["provider"], "azure");
        assert_eq!(body["external_id"], Uuid::from_u128(1).to_string());
    }

    #[test]
    fn every_form_is_whole_also_without_anybody() {
        for (format, none, two) in [
            (Format::Array, "[]\n", "[\n{\"a\":1},\n{\"a\":1}\n]\n"),
            (Format::Lines, "", "{\"a\":1}\n{\"a\":1}\n"),
            (
                Format::Batches,
                "",
                "{\"identities\":[{\"create\":{\"a\":1},\"patch_id\":\"00000000-0000-0000-0000-000000000001\"},{\"create\":{\"a\":1},\"patch_id\":\"00000000-0000-0000-0000-000000000001\"}]}\n",
            ),
        ] {
            for (people, expected) in [(0, none), (2, two)] {
                let mut out = Vec::new();
                let mut writer = Writer::new(&mut out, format);
                for _ in 0..people {
                    writer.add(&alice(), json!({ "a": 1 })).expect("written");
                }
                assert_eq!(writer.finish().expect("finished"), people);
                assert_eq!(String::from_utf8(out).expect("text"), expected, "{format:?}");
            }
        }
    }
}
