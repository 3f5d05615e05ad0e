"""The causes in one line each, in English and Portuguese, and the translation of sentences."""

from parity_tests.debug import portuguese

# cause: (English, Portuguese)
CAUSES = {
    "scale_constant": ("a fixed numeric factor", "um fator numérico fixo"),
    "scale_reduction": (
        "a wrong count: batch, elements, window or classes",
        "uma contagem errada: lote, elementos, janela ou classes",
    ),
    "sign": ("the opposite sign", "o sinal trocado"),
    "upstream_missing": (
        "grad_output is not multiplied in", "grad_output não entra no produto",
    ),
    "missing_factor": (
        "one factor of the chain rule is missing", "falta um fator da regra da cadeia",
    ),
    "missing_path": (
        "one path of the chain rule is missing: a term that should be added",
        "falta um caminho da regra da cadeia: um termo a somar",
    ),
    "diagonal_jacobian": (
        "only the Jacobian's diagonal: the cross terms are dropped",
        "só a diagonal do jacobiano: faltam os termos cruzados",
    ),
    "wrong_point": (
        "the right formula at the wrong quantity", "a fórmula certa na quantidade errada",
    ),
    "wrong_derivative": ("another function's derivative", "a derivada de outra função"),
    "wrong_axis": (
        "a sum, mean or index over the wrong axis", "soma, média ou índice no eixo errado",
    ),
    "not_summed": (
        "the gradient of a broadcast parameter is not summed",
        "o gradiente de um parâmetro propagado não é somado",
    ),
    "transposed": ("a matrix is transposed, or not", "uma matriz transposta, ou que deveria ser"),
    "geometry": ("stride, crop, padding or dilation", "passo, corte, borda ou dilatação"),
    "overwrite_not_accumulate": (
        "overlapping contributions overwrite each other: = for +=",
        "contribuições sobrepostas se sobrescrevem: = em vez de +=",
    ),
    "tie_kink": ("equal values or a kink", "valores iguais ou uma quina"),
    "branch": ("one piece of a piecewise function", "um trecho de uma função por partes"),
    "hyperparameter_ignored": (
        "a hyper-parameter is ignored", "um hiperparâmetro é ignorado",
    ),
    "forward_formula": ("the formula of forward", "a fórmula do forward"),
    "overflow": ("overflow: an unstable form", "estouro: uma forma instável"),
    "dtype": ("a dtype on the way", "um dtype no caminho"),
    "accumulates_across_calls": (
        "something accumulates from call to call", "algo se acumula de chamada em chamada",
    ),
    "stale_cache": (
        "backward or forward reads what an earlier call left", "lê-se o que outra chamada deixou",
    ),
    "aliasing_mutation": (
        "an array that belongs to someone else is changed in place",
        "um array alheio é alterado no lugar",
    ),
    "state_update": (
        "the update of the state: moments, counters, running statistics, parameters",
        "a atualização do estado: momentos, contadores, estatísticas, parâmetros",
    ),
    "exception": ("the target's code raises", "o código do alvo levanta uma exceção"),
}  # fmt: skip


def cause_line(cause, lang="en"):
    """(the cause in words, its page)."""
    pair = CAUSES[cause]
    page = f"docs/causes/{cause}.md" if lang == "en" else f"docs/causes/pt/{cause}.md"
    return pair[lang == "pt"], page


def translate(sentence, lang):
    """A sentence of the report in another language; an unknown one (an exception's) stays."""
    if lang == "en" or not sentence:
        return sentence
    return portuguese.translated(sentence) or sentence
