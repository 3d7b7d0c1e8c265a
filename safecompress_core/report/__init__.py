"""Results for people: tables, words and a page, all of them pure functions of ``results.json``."""
