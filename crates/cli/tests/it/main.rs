//! The program at its border: what it prints, what it exits with, what it leaves behind. And the house rules that a
//! test can hold: layers, licences, examples.

mod book;
mod command_line;
mod completions;
mod dev;
mod doctor;
mod examples;
mod guide;
mod house;
mod identities;
mod init;
mod languages;
mod mappers;
mod moving;
mod registration;
mod serve;
mod support;
mod workbench;
