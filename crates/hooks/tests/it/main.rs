//! Hooks at their border: configuration in, calls and effects out.

mod built_in;
mod misbehaviour;
mod order;
mod stage;
mod web_hook_answers;
mod web_hook_background;
mod web_hook_calls;
mod web_hook_context;
mod web_hook_retries;
