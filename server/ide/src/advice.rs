//! What a rule's page says to run next.
//!
//! Commands stand in blocks of shell code under "What to do next", nowhere else; the first line of a block is a comment
//! that says what it does. Code actions copy them from there.

use crate::pages::{self, Kind};

/// A command that a rule's page advises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What it does, a few words.
    pub title: String,
    /// The command, one line or some.
    pub text: String,
}

/// The commands that the page of a rule advises, in its order; none where it has no page.
pub fn commands(code: &str) -> Vec<Command> {
    let page = pages::find(code).into_iter().find(|page| page.kind() == Kind::Rule);
    page.map_or_else(Vec::new, |page| in_page(&page.markdown(&crate::Links::None)))
}

fn in_page(markdown: &str) -> Vec<Command> {
    let section = markdown.split("\n## ").find(|section| section.starts_with("What to do next")).unwrap_or_default();
    let mut commands = Vec::new();
    let mut lines = section.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "```sh" {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let block: Vec<&str> = lines
            .by_ref()
            .take_while(|line| line.trim() != "```")
            .map(|line| line.get(indent..).unwrap_or(line.trim_start()))
            .collect();
        if let Some((title, text)) =
            block.split_first().and_then(|(first, rest)| Some((first.strip_prefix("# ")?, rest)))
        {
            commands.push(Command { title: title.to_owned(), text: text.join("\n") });
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;

    #[test]
    fn commands_are_read_with_what_they_do() {
        let page = "# GC1 x\n\n## Limits\n\n```sh\n# not this\nrm\n```\n\n## What to do next\n\n1. Look:\n\n   ```sh\n   # look at it\n   \
                    cat it |\n     less\n   ```\n\n```sh\nno title\n```\n\n## Example\n";
        let expected = Command { title: "look at it".to_owned(), text: "cat it |\n  less".to_owned() };
        assert_eq!(in_page(page), [expected]);
    }

    #[test]
    fn every_block_of_shell_code_of_a_rule_is_a_command_with_a_title() {
        for rule in RULES {
            let page = pages::find(rule.code).into_iter().find(|page| page.kind() == Kind::Rule);
            let text = page.unwrap_or_else(|| panic!("{} has no page", rule.code)).markdown(&crate::Links::None);
            let n_blocks = text.lines().filter(|line| line.trim() == "```sh").count();
            let commands = commands(rule.code);
            assert_eq!(
                commands.len(),
                n_blocks,
                "{}: a block without a title, or not under What to do next",
                rule.code
            );
            assert!(commands.iter().all(|command| !command.text.trim().is_empty()), "{}", rule.code);
        }
    }
}
