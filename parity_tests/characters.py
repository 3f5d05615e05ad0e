"""A small text, character by character, for the network that generates (section 26.6.2)."""

from collections.abc import Callable

import numpy as np

from parity_tests.training import Data

# In Portuguese, written for this project.
TEXT = """\
o rio desce devagar e leva as folhas para o mar.
na margem, uma menina conta os barcos que passam.
um barco azul, um barco branco, um barco sem nome.
o vento vira as velas e o barco branco vira também.
a menina anota tudo num caderno de capa verde.
de manhã ela soma, de tarde ela compara, de noite ela sonha.
se a soma está certa, o caderno fica em silêncio.
se a soma está errada, a menina apaga e começa outra vez.
errar não é feio, diz a avó: feio é não olhar o erro.
a avó conserta relógios numa casa perto da ponte.
cada relógio tem uma roda pequena e uma roda grande.
a roda pequena corre, a roda grande espera.
quando a roda pequena dá a volta, a roda grande dá um passo.
assim o tempo passa de uma roda para a outra.
a menina pergunta quem empurra a primeira roda.
é a mola, diz a avó, e quem dá corda na mola somos nós.
no inverno o rio sobe e cobre as pedras da margem.
os barcos ficam presos e a menina conta as nuvens.
uma nuvem parece um peixe, outra parece uma chave.
a chave do céu abre a porta da chuva, ela escreve.
a chuva cai nas telhas, nas ruas e nos telhados de zinco.
depois da chuva o ar fica limpo e a ponte brilha.
o padeiro acende o forno antes de o sol nascer.
o cheiro do pão atravessa a rua e acorda o gato.
o gato anda pelo muro, mede o salto e salta.
se o salto é curto, ele recua um passo e tenta de novo.
com pouco erro e muita calma, o gato chega ao telhado.
do telhado ele vê o rio, a ponte e a casa dos relógios.
a menina desenha o gato, o rio, a ponte e a casa.
no desenho o rio sobe e o gato nada como um peixe.
a avó ri e pendura o desenho ao lado do relógio maior.
o relógio maior bate as horas e a casa inteira escuta.
uma hora para o pão, uma hora para o rio, uma hora para o sono.
quando a noite chega, os barcos dormem e o rio não dorme.
o rio desce devagar e leva a lua para o mar.
amanhã a menina conta de novo os barcos que passam.
"""
ALPHABET = "".join(sorted(set(TEXT)))
# How many characters the network sees at once, and of the text's windows those held out.
CONTEXT, HELD_OUT = 32, 100


def encode(text: str) -> np.ndarray:
    """The places of the characters in the alphabet."""
    return np.array([ALPHABET.index(character) for character in text])


def windows(seed: int) -> Data:
    """Every window of the text, and for each of its characters the next.

    Those at the end of the text are held out, whatever the seed.
    """
    tokens = np.lib.stride_tricks.sliding_window_view(encode(TEXT), CONTEXT + 1).copy()
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    last = len(tokens) - HELD_OUT - CONTEXT  # no character of theirs is trained with
    return Data(inputs[:last], targets[:last], inputs[-HELD_OUT:], targets[-HELD_OUT:])


def generate(logits: Callable[[np.ndarray], np.ndarray], length: int = 200) -> str:
    """The text that the network goes on with after a line break, its likeliest character always."""
    tokens = list(encode("\n"))
    for _ in range(length):
        window = np.array(tokens[-CONTEXT:])[np.newaxis]
        tokens.append(int(logits(window)[0, -1].argmax()))
    return "".join(ALPHABET[token] for token in tokens).strip()
