"""What the model reads: phones of the CMU dictionary with stress, pauses by their mark, and both ends of a text."""

from teacher import MARKS, VOWELS

CONSONANTS = "b ch d dh f g hh jh k l m n ng p r s sh t th v w y z zh".split()
# ids are positions; 0 is padding.
SYMBOLS = ["", "^", "$", *MARKS, *CONSONANTS, *(vowel + stress for vowel in VOWELS for stress in "01")]
SYMBOL_IDS = {symbol: i for i, symbol in enumerate(SYMBOLS)}
