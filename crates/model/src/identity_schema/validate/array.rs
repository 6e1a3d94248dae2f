//! Keywords for lists.

use super::{Run, equal};
use crate::identity_schema::failure::Failure;
use crate::identity_schema::rule::{Items, Rest, Rule, RuleId};
use crate::message::Message;
use serde_json::Value;

impl<'a> Run<'a> {
    pub(super) fn check_array(&mut self, rule: &'a Rule, list: &[Value], failures: &mut Vec<Failure>) {
        let count = list.len() as u64;
        if let Some(min) = rule.min_items.filter(|min| count < *min) {
            failures.push(self.said(rule, "minItems", Message::min_items(min, count)));
        }
        if let Some(max) = rule.max_items.filter(|max| count > *max) {
            failures.push(self.said(rule, "maxItems", Message::max_items(max, count)));
        }
        if rule.unique_items {
            self.check_unique(rule, list, failures);
        }
        match &rule.items {
            Some(Items::Each(part)) => {
                for (index, item) in list.iter().enumerate() {
                    failures.extend(self.check_part(&index.to_string(), *part, item));
                }
            }
            Some(Items::Tuple(parts)) => self.check_tuple(rule, parts, list, failures),
            None => {}
        }
        if let Some(part) = rule.contains {
            let mut causes = Vec::new();
            let matched = list.iter().enumerate().any(|(index, item)| {
                let cause = self.check_part(&index.to_string(), part, item);
                let accepted = cause.is_none();
                causes.extend(cause);
                accepted
            });
            if !matched {
                failures.push(self.group(rule, "contains", "contains failed", causes));
            }
        }
    }

    fn check_unique(&self, rule: &Rule, list: &[Value], failures: &mut Vec<Failure>) {
        for (second, item) in list.iter().enumerate() {
            for (first, other) in list[..second].iter().enumerate() {
                if equal(item, other) {
                    let message = Message::unique_items(first, second);
                    failures.push(self.said(rule, "uniqueItems", message));
                    // Attack stopped: a long list of equal items would fill the memory with messages.
                    if failures.len() > list.len() {
                        return;
                    }
                }
            }
        }
    }

    fn check_tuple(&mut self, rule: &Rule, parts: &[RuleId], list: &[Value], failures: &mut Vec<Failure>) {
        if matches!(rule.additional_items, Some(Rest::Allowed(false))) && list.len() > parts.len() {
            let text = format!("only {} items are allowed, but found {} items", parts.len(), list.len());
            failures.push(self.generic(rule, "additionalItems", &text));
        }
        for (index, item) in list.iter().enumerate() {
            let part = match (parts.get(index), &rule.additional_items) {
                (Some(part), _) | (None, Some(Rest::Rule(part))) => *part,
                _ => break,
            };
            failures.extend(self.check_part(&index.to_string(), part, item));
        }
    }
}
