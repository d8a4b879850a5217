//! Reading SBPL as nested lists, and nothing more lenient than what is written here.

use crate::error::{ParseError, Problem};

/// An expression and where it begins, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expression {
    pub(crate) at: usize,
    pub(crate) form: Form,
}

/// The kinds of expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// A word, a quoted one with its quote.
    Symbol(String),
    /// A cooked string.
    Text(String),
    /// A raw string: a pattern.
    Pattern(String),
    /// A list.
    List(Vec<Expression>),
}

/// Lists within lists, at most; a profile has five.
const DEEPEST: usize = 16;

/// Reads every expression of `text`.
pub(crate) fn read(text: &str) -> Result<Vec<Expression>, ParseError> {
    let mut reader = Reader { text, at: 0 };
    let mut all = Vec::new();
    while let Some(one) = reader.next(0)? {
        all.push(one);
    }
    Ok(all)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn problem(&self, at: usize, problem: Problem) -> ParseError {
        ParseError::new(self.text, at, problem)
    }

    /// Passes over blanks and comments.
    fn skip(&mut self) {
        while let Some(letter) = self.peek() {
            match letter {
                ' ' | '\n' => self.at += 1,
                ';' => while self.take().is_some_and(|letter| letter != '\n') {},
                _ => return,
            }
        }
    }

    fn next(&mut self, depth: usize) -> Result<Option<Expression>, ParseError> {
        self.skip();
        let at = self.at;
        let Some(letter) = self.peek() else { return Ok(None) };
        let form = match letter {
            '(' if depth == DEEPEST => return Err(self.problem(at, Problem::TooDeep)),
            '(' => {
                self.at += 1;
                self.list(at, depth)?
            }
            ')' => return Err(self.problem(at, Problem::Unopened)),
            '"' => {
                self.at += 1;
                self.cooked(at)?
            }
            '#' => self.raw(at)?,
            _ => self.symbol(at)?,
        };
        Ok(Some(Expression { at, form }))
    }

    fn list(&mut self, at: usize, depth: usize) -> Result<Form, ParseError> {
        let mut parts = Vec::new();
        loop {
            self.skip();
            if self.peek() == Some(')') {
                self.at += 1;
                return Ok(Form::List(parts));
            }
            match self.next(depth + 1)? {
                Some(part) => parts.push(part),
                None => return Err(self.problem(at, Problem::Unclosed)),
            }
        }
    }

    fn cooked(&mut self, at: usize) -> Result<Form, ParseError> {
        let mut text = String::new();
        loop {
            let here = self.at;
            match self.take() {
                None => return Err(self.problem(at, Problem::Unclosed)),
                Some('"') => return Ok(Form::Text(text)),
                Some('\\') => match self.take() {
                    Some(escaped @ ('"' | '\\')) => text.push(escaped),
                    _ => return Err(self.problem(here, Problem::Escape)),
                },
                Some(letter) => text.push(letter),
            }
        }
    }

    fn raw(&mut self, at: usize) -> Result<Form, ParseError> {
        self.at += 1;
        if self.take() != Some('"') {
            return Err(self.problem(at, Problem::Character));
        }
        let start = self.at;
        while let Some(letter) = self.take() {
            if letter == '"' {
                let text = self.text.get(start..self.at - 1).unwrap_or_default();
                return Ok(Form::Pattern(text.to_owned()));
            }
        }
        Err(self.problem(at, Problem::Unclosed))
    }

    fn symbol(&mut self, at: usize) -> Result<Form, ParseError> {
        let in_symbol = |letter: char| letter.is_ascii_alphanumeric() || "-*_?'".contains(letter);
        while self.peek().is_some_and(in_symbol) {
            self.at += 1;
        }
        match self.text.get(at..self.at) {
            Some(text) if !text.is_empty() => Ok(Form::Symbol(text.to_owned())),
            _ => Err(self.problem(at, Problem::Character)),
        }
    }
}
