//! The formatter: lays tokens out anew, in the style of jsonnetfmt. Line breaks and comments stay where they are; spaces,
//! indentation, blank lines, quotes and trailing commas become one way.
//!
//! It works on tokens, not on the tree, so that it cannot lose a comment; and it compares the tokens of what it wrote with
//! those it read, so that it cannot change a mapper's meaning: when they differ, the text is given back as it was.

mod spacing;
#[cfg(test)]
mod tests;

use jrsonnet_lexer::{Lexer, SyntaxKind};

use self::spacing::{Place, joined};

const STEP: usize = 2;

/// The text in one style. Its syntax was checked before.
pub(super) fn format(text: &str) -> String {
    let tokens = tokens(text);
    let written = Layout::default().write(&tokens);
    if meaning(text) == meaning(&written) { written } else { text.to_owned() }
}

/// A token with the line breaks before it.
#[derive(Debug, Clone)]
struct Token {
    kind: SyntaxKind,
    text: String,
    breaks: usize,
}

impl Token {
    fn is_comment(&self) -> bool {
        is_comment(self.kind)
    }

    fn closes(&self) -> bool {
        matches!(self.kind, SyntaxKind::R_BRACE | SyntaxKind::R_BRACK | SyntaxKind::R_PAREN)
    }
}

fn is_comment(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::SINGLE_LINE_SLASH_COMMENT | SyntaxKind::SINGLE_LINE_HASH_COMMENT | SyntaxKind::MULTI_LINE_COMMENT
    )
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut breaks = 0;
    for lexeme in Lexer::new(text) {
        if lexeme.kind == SyntaxKind::WHITESPACE {
            breaks += lexeme.text.matches('\n').count();
            continue;
        }
        let ends_line = is_comment(lexeme.kind) && lexeme.text.ends_with('\n');
        let text = match lexeme.kind {
            SyntaxKind::STRING_DOUBLE => single_quoted(lexeme.text),
            // A first line of `#!` is for the shell.
            SyntaxKind::SINGLE_LINE_HASH_COMMENT if !lexeme.text.starts_with("#!") => {
                format!("//{}", lexeme.text[1..].trim_end())
            }
            _ => lexeme.text.trim_end().to_owned(),
        };
        tokens.push(Token { kind: lexeme.kind, text, breaks });
        breaks = usize::from(ends_line);
    }
    tokens
}

/// jsonnetfmt prefers single quotes where they need no escape.
fn single_quoted(text: &str) -> String {
    if text.contains(['\'', '\\']) {
        return text.to_owned();
    }
    format!("'{}'", &text[1..text.len() - 1])
}

/// What must not change: every token but commas before a closing bracket, with quotes and spaces of comments made equal.
fn meaning(text: &str) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for token in tokens(text) {
        if token.closes() {
            let last_code = kept.iter().rposition(|text| !text.starts_with("//") && !text.starts_with("/*"));
            if let Some(at) = last_code.filter(|at| kept[*at] == ",") {
                kept.remove(at);
            }
        }
        kept.push(if token.is_comment() {
            token.text.split_whitespace().collect::<Vec<_>>().join(" ")
        } else {
            token.text
        });
    }
    kept
}

/// One open bracket.
#[derive(Debug)]
struct Level {
    kind: SyntaxKind,
    /// Of the line on which the bracket was opened; the closing one goes there.
    line_indent: usize,
    /// Of what is within.
    indent: usize,
    /// While a value that began on a line of its own lasts.
    extra: usize,
    /// Between `local` and its `;`.
    in_local: bool,
    /// Between `assert` and its `:`.
    in_assert: bool,
    /// A `for` makes it a comprehension, which takes no trailing comma.
    has_for: bool,
    /// `a[…]` and `f(…)`, not a value of its own.
    is_suffix: bool,
    /// The indentation of each `if` that still waits for an `else`.
    ifs: Vec<usize>,
}

impl Level {
    fn new(kind: SyntaxKind, line_indent: usize, indent: usize, is_suffix: bool) -> Self {
        Self {
            kind,
            line_indent,
            indent,
            extra: 0,
            in_local: false,
            in_assert: false,
            has_for: false,
            is_suffix,
            ifs: Vec::new(),
        }
    }
}

struct Layout {
    out: String,
    levels: Vec<Level>,
    line_indent: usize,
    /// The indentation of the last `if` whose `then` or `else` was written.
    branch_indent: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            out: String::new(),
            levels: vec![Level::new(SyntaxKind::EOF, 0, 0, false)],
            line_indent: 0,
            branch_indent: 0,
        }
    }
}

impl Layout {
    fn write(mut self, tokens: &[Token]) -> String {
        let mut before: Option<&Token> = None;
        let mut place = Place::Start;
        for (at, token) in tokens.iter().enumerate() {
            let after_comment = at > 0 && tokens[at - 1].is_comment();
            let next_code = tokens[at..].iter().find(|token| !token.is_comment());
            let follows = tokens.get(at + 1).map(|next| next.kind);
            let breaks = self.breaks(token, before, at, tokens);
            if token.closes() {
                self.trailing_comma(before, breaks > 0, after_comment);
            }
            if breaks > 0 {
                let indent =
                    self.indent(if token.is_comment() { next_code } else { Some(token) }, before, token.is_comment());
                self.out.extend(std::iter::repeat_n('\n', breaks));
                self.out.extend(std::iter::repeat_n(' ', indent));
                self.line_indent = indent;
            } else if at > 0 && (token.is_comment() || after_comment) {
                self.out.push_str(if token.kind == SyntaxKind::MULTI_LINE_COMMENT || after_comment {
                    " "
                } else {
                    "  "
                });
            } else if let Some(before) = before
                && !joined(before.kind, place, token.kind, follows, self.level())
            {
                self.out.push(' ');
            }
            if token.is_comment() {
                self.out.push_str(&token.text);
                continue;
            }
            let unary = spacing::is_unary(token.kind, before.map(|before| before.kind));
            let suffix = before.is_some_and(|before| spacing::ends_value(before.kind)) && breaks == 0;
            self.out.push_str(&token.text);
            place = self.enter(token, unary, suffix);
            before = Some(token);
        }
        self.out.truncate(self.out.trim_end().len());
        self.out.push('\n');
        self.out
    }

    fn level(&self) -> &Level {
        // The outermost level is never closed.
        &self.levels[self.levels.len() - 1]
    }

    /// Line breaks before a token: as written, with at most one empty line, and none where they only disturb.
    fn breaks(&self, token: &Token, before: Option<&Token>, at: usize, tokens: &[Token]) -> usize {
        if at == 0 {
            return 0;
        }
        let after_line_comment =
            matches!(tokens[at - 1].kind, SyntaxKind::SINGLE_LINE_SLASH_COMMENT | SyntaxKind::SINGLE_LINE_HASH_COMMENT);
        if matches!(token.kind, SyntaxKind::COMMA | SyntaxKind::SEMI) && !tokens[at - 1].is_comment() {
            return 0;
        }
        let opened = before.is_some_and(|before| {
            matches!(before.kind, SyntaxKind::L_BRACE | SyntaxKind::L_BRACK | SyntaxKind::L_PAREN)
        });
        if opened && token.closes() && !tokens[at - 1].is_comment() {
            return 0;
        }
        let most = if token.closes() || (opened && !tokens[at - 1].is_comment()) { 1 } else { 2 };
        token.breaks.clamp(usize::from(after_line_comment), most)
    }

    /// A multi-line object or array ends with a comma, one on a single line does not.
    fn trailing_comma(&mut self, before: Option<&Token>, on_new_line: bool, after_comment: bool) {
        let Some(before) = before else { return };
        let level = self.level();
        let is_literal =
            matches!(level.kind, SyntaxKind::L_BRACE | SyntaxKind::L_BRACK) && !level.is_suffix && !level.has_for;
        let is_empty = before.kind == level.kind;
        if on_new_line
            && is_literal
            && !is_empty
            && !after_comment
            && before.kind != SyntaxKind::COMMA
            && before.kind != SyntaxKind::SEMI
        {
            self.out.push(',');
        } else if !on_new_line && before.kind == SyntaxKind::COMMA && self.out.ends_with(',') {
            self.out.pop();
        }
    }

    /// Where the first token of a line goes.
    fn indent(&mut self, token: Option<&Token>, before: Option<&Token>, for_comment: bool) -> usize {
        let branch_indent = self.branch_indent;
        let last = self.levels.len() - 1;
        let level = &mut self.levels[last];
        let kind = token.map(|token| token.kind);
        if token.is_some_and(Token::closes) {
            return if for_comment { level.indent } else { level.line_indent };
        }
        let base = level.indent + level.extra;
        match (kind, before.map(|before| before.kind)) {
            (Some(SyntaxKind::THEN_KW | SyntaxKind::ELSE_KW), _) => level.ifs.last().copied().unwrap_or(base),
            (_, None | Some(SyntaxKind::SEMI | SyntaxKind::L_BRACE | SyntaxKind::L_BRACK | SyntaxKind::L_PAREN)) => {
                base
            }
            (_, Some(SyntaxKind::COMMA)) => {
                base + if level.in_local && level.kind != SyntaxKind::L_BRACE { "local ".len() } else { 0 }
            }
            (_, Some(SyntaxKind::THEN_KW | SyntaxKind::ELSE_KW)) => branch_indent + STEP,
            (Some(SyntaxKind::FOR_KW), _) => base,
            (Some(SyntaxKind::IF_KW), _) if level.has_for => base,
            (_, Some(SyntaxKind::ASSIGN | SyntaxKind::COLON)) => {
                level.extra += STEP;
                base + STEP
            }
            _ => base + STEP,
        }
    }

    /// Notes what a token opens, closes and changes. Gives the place that the next token is in.
    fn enter(&mut self, token: &Token, unary: bool, suffix: bool) -> Place {
        let line_indent = self.line_indent;
        let last = self.levels.len() - 1;
        let level = &mut self.levels[last];
        match token.kind {
            SyntaxKind::L_BRACE | SyntaxKind::L_BRACK | SyntaxKind::L_PAREN => {
                let is_suffix = suffix && token.kind != SyntaxKind::L_BRACE;
                self.levels.push(Level::new(token.kind, line_indent, line_indent + STEP, is_suffix));
            }
            SyntaxKind::R_BRACE | SyntaxKind::R_BRACK | SyntaxKind::R_PAREN if last > 0 => {
                self.levels.pop();
            }
            SyntaxKind::SEMI | SyntaxKind::COMMA => {
                level.extra = 0;
                level.ifs.clear();
                level.in_assert = false;
                if token.kind == SyntaxKind::SEMI || level.kind == SyntaxKind::L_BRACE {
                    level.in_local = false;
                }
            }
            SyntaxKind::LOCAL_KW => level.in_local = true,
            SyntaxKind::ASSERT_KW => level.in_assert = true,
            SyntaxKind::COLON if level.in_assert => {
                level.in_assert = false;
                return Place::AssertColon;
            }
            SyntaxKind::FOR_KW => level.has_for = true,
            SyntaxKind::IF_KW if !level.has_for => level.ifs.push(line_indent),
            SyntaxKind::THEN_KW => self.branch_indent = level.ifs.last().copied().unwrap_or(line_indent),
            SyntaxKind::ELSE_KW => self.branch_indent = level.ifs.pop().unwrap_or(line_indent),
            _ => {}
        }
        if unary { Place::AfterUnary } else { Place::Code }
    }
}
