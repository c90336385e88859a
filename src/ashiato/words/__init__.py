"""Sentences about records, in English and Japanese.

`sentence(record, language, names)`, `resources(record)`, `when(time, zone, language)`.
"""

from ashiato.words.messages import LANGUAGES, Language
from ashiato.words.names import Names
from ashiato.words.sentences import SPOKEN, Sentence, resources, sentence
from ashiato.words.times import when

__all__ = ["LANGUAGES", "SPOKEN", "Language", "Names", "Sentence", "resources", "sentence", "when"]
