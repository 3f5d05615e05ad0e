"""The report's sentences in Portuguese: a template for each, {} standing for what varies.

What fills a place is translated in its turn if it is a sentence of the report too.
"""

import functools
import re

TEMPLATES = {
    # quantities and statements
    "{}: {} of {} elements are not the derivative of your forward":
        "{}: {} de {} elementos não são a derivada do seu forward",
    "{}: backward gives no gradient for this parameter":
        "{}: o backward não dá gradiente para este parâmetro",
    "{}: has shape {}, its array has {}": "{}: tem forma {}, o seu array tem {}",
    "{} of {} elements": "{} de {} elementos",
    "{} of {} elements checked": "{} de {} elementos verificados",
    "shape {} for {}": "forma {} em vez de {}",
    "agrees with {}": "igual a {}",
    "no oracle": "sem oráculo",
    "the oracle cannot take this case": "o oráculo não aceita este caso",
    "on a kink everywhere, or not finite": "sobre quinas, ou não finito, em toda parte",
    "backward gives no gradient for it": "o backward não dá gradiente para ele",
    "right for your own forward": "certo para o seu próprio forward",
    "the derivative of the oracle's forward, not of yours":
        "a derivada do forward do oráculo, não do seu",
    "not judged while forward differs from the oracle's":
        "não se julga enquanto o forward diferir do oráculo",
    "is another function than {}, which only the class's name suggested":
        "é outra função que não {}, sugerida só pelo nome da classe",
    "forward: {} of {} elements differ from {}": "forward: {} de {} elementos diferem de {}",
    "{} of {} elements differ from {}": "{} de {} elementos diferem de {}",
    "forward does not change with {}; {} does": "o forward não muda com {}; {} muda",
    # conventions
    "{}: {} elements follow another convention than {}":
        "{}: {} elementos seguem outra convenção que não a de {}",
    "{}: {} elements are {}'s, by its convention, not the derivative of the forward":
        "{}: {} elementos são os de {}, por convenção, não a derivada do forward",
    "{}: another convention than {} at {}": "{}: outra convenção que não a de {} em {}",
    "{} follows another convention than {}": "{} segue outra convenção que não a de {}",
    # kinks and extremes
    "{}: where elements are equal the total gradient is {}, it must be {}":
        "{}: onde há elementos iguais o gradiente total é {}, e deve ser {}",
    "{}: at the kink {} yours is {}, the slopes beside it are {} and {}":
        "{}: na quina {} o seu é {}, as inclinações ao lado são {} e {}",
    "{} is {} at {}": "{} é {} em {}",
    "wrong only at equal elements": "errado só em elementos iguais",
    "wrong only at a kink": "errado só numa quina",
    "{}: {} for inputs near {}": "{}: {} para entradas perto de {}",
    "right for small inputs, {} for large ones": "certo para entradas pequenas, {} para grandes",
    "infinite": "infinito",
    "wrong": "errado",
    "{}: float64 inputs give a gradient of {}": "{}: entradas float64 dão um gradiente {}",
    "forward: float64 inputs give an output of {}": "forward: entradas float64 dão uma saída {}",
    "forward: float32 inputs give an output of {}": "forward: entradas float32 dão uma saída {}",
    "{}: float32 inputs give other values than float64 ones":
        "{}: entradas float32 dão outros valores que não os de float64",
    "{}: float32 inputs give {}": "{}: entradas float32 dão {}",
    "the values are rounded to fewer digits than the input has":
        "os valores são arredondados a menos algarismos que os da entrada",
    "with values near {} the loss is infinite; its gradient is right":
        "com valores perto de {} a perda é infinita; o gradiente está certo",
    "with values near {} a probability becomes 0 and its logarithm infinite":
        "com valores perto de {} uma probabilidade chega a 0 e o seu logaritmo é infinito",
    "with values near {} NumPy warns ({}); the values are right":
        "com valores perto de {} o NumPy avisa ({}); os valores estão certos",
    "with float32 arrays: {}": "com arrays float32: {}",
    "with values near {}: {}": "com valores perto de {}: {}",
    # calls that follow one another
    "forward changes its input in place, as it was asked to":
        "o forward altera a sua entrada no lugar, como lhe foi pedido",
    "forward changes its input in place": "o forward altera a sua entrada no lugar",
    "forward changes the parameters": "o forward altera os parâmetros",
    "backward changes forward's input in place": "o backward altera a entrada do forward no lugar",
    "backward changes its upstream gradient in place":
        "o backward altera no lugar o gradiente que recebe",
    "backward changes the parameters": "o backward altera os parâmetros",
    "backward changes the output that forward returned":
        "o backward altera a saída que o forward devolveu",
    "a later forward changes an earlier output": "um forward posterior altera uma saída anterior",
    "a later backward overwrites the arrays that an earlier one returned":
        "um backward posterior sobrescreve os arrays que um anterior devolveu",
    "an array that belongs to the caller has other values afterwards":
        "um array de quem chama tem outros valores depois",
    "backward cannot be called twice after one forward":
        "o backward não pode ser chamado duas vezes depois de um forward",
    "{}: a second backward gives another gradient, twice the first":
        "{}: um segundo backward dá outro gradiente, o dobro do primeiro",
    "{}: a second backward gives another gradient":
        "{}: um segundo backward dá outro gradiente",
    "{} fails: {}": "{} falha: {}",
    "{} of forward still depends on the first": "{} do forward ainda depende da primeira",
    "{}: {} gives another gradient than a fresh object: the sum of both calls'":
        "{}: {} dá outro gradiente que um objeto novo: a soma das duas chamadas",
    "{}: {} gives another gradient than a fresh object":
        "{}: {} dá outro gradiente que um objeto novo",
    "a second call": "uma segunda chamada",
    "a second call with a smaller batch": "uma segunda chamada com um lote menor",
    "a second call with a larger batch": "uma segunda chamada com um lote maior",
    "a second forward": "um segundo forward",
    "a second forward with a smaller batch": "um segundo forward com um lote menor",
    "a second forward with a larger batch": "um segundo forward com um lote maior",
    # state
    "state: {} does not move in training": "estado: {} não se move no treino",
    "state: {} after three calls differs from {}":
        "estado: {} depois de três chamadas difere de {}",
    "running statistics differ, outputs in training agree":
        "as estatísticas móveis diferem, as saídas no treino são iguais",
    "in evaluation forward stores nothing: backward belongs to training alone":
        "na avaliação o forward nada guarda: o backward é só do treino",
    "in evaluation: {}": "na avaliação: {}",
    # cases
    "other values": "outros valores",
    "a batch of one": "um lote de um",
    "another batch size": "outro tamanho de lote",
    "sizes {}": "tamanhos {}",
    "small values": "valores pequenos",
    "large values": "valores grandes",
    "evaluation": "avaliação",
    "ties": "empates",
    "kinks": "quinas",
    # session
    "not found, so a stand-in was used: {}": "não encontrado, por isso um substituto serviu: {}",
    "parameters matched as {}": "parâmetros emparelhados como {}",
    "layout moved for the oracle: {}": "eixos mudados para o oráculo: {}",
    "channels last to channels first": "canais do fim para o começo",
    "batch and time swapped": "lote e tempo trocados",
    "the oracle {} was not used: {}": "o oráculo {} não foi usado: {}",
    "cannot take the target's inputs": "não aceita as entradas do alvo",
    "gives outputs of another shape": "dá saídas de outra forma",
    "its parameters have other shapes than the target's":
        "os seus parâmetros têm outras formas que os do alvo",
    "it cannot take these inputs ({})": "não aceita estas entradas ({})",
    "autograd could not follow your forward (or disagreed with numeric derivatives); "
    "numeric derivatives were used":
        "o autograd não pôde seguir o seu forward (ou discordou das derivadas numéricas); "
        "usaram-se as derivadas numéricas",
    "backward is right for the {} of the outputs": "o backward está certo para a {} das saídas",
    "mean": "média",
    "mean over the batch": "média sobre o lote",
    "the gradient is the derivative of your forward; it is the forward that differs":
        "o gradiente é a derivada do seu forward; é o forward que difere",
    "the gradient is that of the oracle's function; only the forward differs":
        "o gradiente é o da função do oráculo; só o forward difere",
    "forward is another function than {}, guessed from the class's name":
        "o forward é outra função que não {}, suposta pelo nome da classe",
    "no time was left for the probe {}": "não sobrou tempo para a sondagem {}",
    "a probe could not run ({})": "uma sondagem não pôde ser feita ({})",
    # usage
    "there is no file {}": "não há arquivo {}",
    "there is no {} in {}": "não há {} em {}",
    "cannot read {}": "não se pode ler {}",
    "cannot read the expression {}": "não se pode ler a expressão {}",
    "the target must look like file.py:Expression; got {}":
        "o alvo deve ter a forma arquivo.py:Expressão; veio {}",
    "{} has neither forward and backward nor step: not a class in the book's protocol":
        "{} não tem forward e backward nem step: não segue o protocolo do livro",
    "{} needs arguments ({}): write {} with them":
        "{} precisa de argumentos ({}): escreva {} com eles",
    "{} has backward but no forward": "{} tem backward mas não tem forward",
    "{} is not an optimizer, its oracle {} is": "{} não é um otimizador, o seu oráculo {} é",
    "{} is an optimizer, its oracle {} is not": "{} é um otimizador, o seu oráculo {} não é",
    "the oracle {} does not fit: {}": "o oráculo {} não serve: {}",
    "the oracle {} cannot be built: {}": "o oráculo {} não pode ser construído: {}",
    "the oracle {} is a {}, not a module or callable":
        "o oráculo {} é um {}, não um módulo nem uma função",
    "the oracle's file {} cannot be run: {}": "o arquivo {} do oráculo não pode ser executado: {}",
    "no guessed input suits forward (with {}); give one with --input for each input":
        "nenhuma entrada suposta serve ao forward (com {}); dê uma com --input para cada entrada",
    "no guessed input gives finite outputs; give --input for each input":
        "nenhuma entrada suposta dá saídas finitas; dê --input para cada entrada",
    "an input must be a shape, perhaps after a kind; got {}":
        "uma entrada deve ser uma forma, talvez depois de um tipo; veio {}",
    "an input's kind must be one of {}; got {}":
        "o tipo de uma entrada deve ser um de {}; veio {}",
    "{} needs a count, such as {}; got {}": "{} precisa de um número, como {}; veio {}",
    "a shape must hold sizes; got {}": "uma forma deve ter tamanhos; veio {}",
    "cannot read the shape in {}": "não se pode ler a forma em {}",
    # patterns
    "yours = {} x right, everywhere": "o seu = {} x o certo, em toda parte",
    "yours = {} x right, everywhere; {}": "o seu = {} x o certo, em toda parte; {}",
    "yours = {} x the oracle's, everywhere": "o seu = {} x o do oráculo, em toda parte",
    "yours = - right, everywhere": "o seu = - o certo, em toda parte",
    "the same for all shapes and values": "o mesmo para todas as formas e valores",
    "another ratio with another {}": "outra razão com outro {}",
    "another ratio with other values": "outra razão com outros valores",
    "another ratio with {}": "outra razão com {}",
    "another size of axis {}": "outro tamanho do eixo {}",
    "the ratio follows {}": "a razão segue {}",
    "{} is that factor": "{} é esse fator",
    "yours holds {}: fractions are cut off": "o seu guarda {}: as frações são cortadas",
    "yours holds {}: rounded to three digits": "o seu guarda {}: arredondado a três algarismos",
    "yours holds {}": "o seu guarda {}",
    "yours is the right {}": "o seu é o {} certo",
    "yours does not change with grad_output": "o seu não muda com grad_output",
    "yours is not zero for a grad_output of zero": "o seu não é zero para grad_output zero",
    "yours is not proportional to grad_output": "o seu não é proporcional a grad_output",
    "yours is zero everywhere": "o seu é zero em toda parte",
    "yours is zero wherever it is wrong": "o seu é zero onde quer que esteja errado",
    "the magnitudes are right, some signs are not":
        "as magnitudes estão certas, alguns sinais não",
    "yours / right varies, but not with grad_output":
        "o seu / o certo varia, mas não com grad_output",
    "right = yours x {}": "o certo = o seu x {}",
    "yours = right x {}": "o seu = o certo x {}",
    "how often each element is used": "o número de usos de cada elemento",
    "equal after a transpose": "igual depois de transposto",
    "equal after a flip along axis {}": "igual depois de invertido no eixo {}",
    "equal if {} is transposed": "igual se {} for transposto",
    "equal if axes {} of {} swap": "igual se os eixos {} de {} forem trocados",
    "yours is the Jacobian times grad_output, not its transpose":
        "o seu é o jacobiano vezes grad_output, não o transposto dele",
    "every entry of the Jacobian is 0 or 1: elements only move":
        "cada entrada do jacobiano é 0 ou 1: os elementos só mudam de lugar",
    "as if the axes {} and {} were exchanged": "como se os eixos {} e {} fossem trocados",
    "the root of that size": "a raiz desse tamanho",
    "only the {} entry of axis {} counts": "só conta a {} entrada do eixo {}",
    "first": "primeira",
    "last": "última",
    "equal if {} is flipped along axes {}": "igual se {} for invertido nos eixos {}",
    "the right values, in another order": "os valores certos, noutra ordem",
    "shape {} where {} is needed": "forma {} onde se precisa de {}",
    "right once it is summed over axis {}": "certo quando somado no eixo {}",
    "the values are right, the shape is {}": "os valores estão certos, a forma é {}",
    "an axis of size one is kept or dropped": "um eixo de tamanho um é mantido ou retirado",
    "only the last entry of axis {} counts": "só conta a última entrada do eixo {}",
    "only the first entry of axis {} counts": "só conta a primeira entrada do eixo {}",
    "right where one output contributes, wrong where several do":
        "certo onde uma saída contribui, errado onde várias contribuem",
    "yours is diagonal: no element answers to another one's grad_output":
        "o seu é diagonal: nenhum elemento responde ao grad_output de outro",
    "at {} only the diagonal of {} is used": "em {} só se usa a diagonal de {}",
    "yours mixes entries along axis {}, the forward does not":
        "o seu mistura entradas ao longo do eixo {}, o forward não",
    "the forward mixes entries along axis {}, yours does not":
        "o forward mistura entradas ao longo do eixo {}, o seu não",
    "yours = right without the path through {}": "o seu = o certo sem o caminho por {}",
    "yours = right without the paths through {} and {}":
        "o seu = o certo sem os caminhos por {} e {}",
    "yours is only the path through {}": "o seu é só o caminho por {}",
    "the path through {} comes in {} times": "o caminho por {} entra {} vezes",
    "the path through {} has the opposite sign": "o caminho por {} tem o sinal trocado",
    "the derivative of {} is left out": "a derivada de {} foi esquecida",
    "the derivative of {} is taken as {}": "a derivada de {} foi tomada como {}",
    "the operand itself": "o próprio operando",
    "{} (line {})": "{} (linha {})",
    "yours - right is the same in every row": "o seu - o certo é o mesmo em cada linha",
    "right at the last step, wrong at all earlier ones":
        "certo no último passo, errado em todos os anteriores",
    "wrong where {} is {} or less": "errado onde {} é {} ou menos",
    "wrong where {} is {} or more": "errado onde {} é {} ou mais",
    "the input": "a entrada",
    "|the input|": "|a entrada|",
    "the difference": "a diferença",
    "|the difference|": "|a diferença|",
    "wrong only in the entries {} to {} of axis {}": "errado só nas entradas {} a {} do eixo {}",
    "right until {} is {}": "certo até {} ser {}",
    "the output does not change with {}": "a saída não muda com {}",
    "yours does not change with {}, the right one does": "o seu não muda com {}, o certo muda",
    "right where windows do not overlap ({})": "certo onde as janelas não se sobrepõem ({})",
    "right with {}": "certo com {}",
    "not finite where the oracle is": "não finito onde o oráculo é",
    # the trace
    "right up to d loss / d {}, wrong at d loss / d {}":
        "certo até d perda / d {}, errado em d perda / d {}",
    "right up to d loss / d {}; what follows it is not":
        "certo até d perda / d {}; o que segue não está",
    "wrong at d loss / d {}": "errado em d perda / d {}",
    "{} (line {}: {})": "{} (linha {}: {})",
    "line {}: {}  right: d loss / d {}": "linha {}: {}  certo: d perda / d {}",
    "line {}: {}  wrong: d loss / d {}": "linha {}: {}  errado: d perda / d {}",
    "line {}: {}  ->  {}": "linha {}: {}  ->  {}",
    "line {}: {}": "linha {}: {}",
    "the returned gradient": "o gradiente devolvido",
    # optimizers
    "params: after step {} {} of {} elements of {} differ from {} ({})":
        "params: depois do passo {}, {} de {} elementos de {} diferem de {} ({})",
    "params: step leaves some of the parameters unchanged (entries {})":
        "params: o passo deixa alguns dos parâmetros como estavam (entradas {})",
    "params: step leaves the arrays unchanged: the update never lands in them":
        "params: o passo deixa os arrays como estavam: a atualização nunca chega a eles",
    "the arrays are the same before and after step": "os arrays são os mesmos antes e depois",
    "params: step {} changes the gradients that it was given, in place":
        "params: o passo {} altera no lugar os gradientes que recebeu",
    "params: the optimizer keeps the caller's gradient array, and sees it overwritten":
        "params: o otimizador guarda o array de gradiente de quem chama, e o vê sobrescrito",
    "another result if the caller reuses its gradient arrays":
        "outro resultado se quem chama reutiliza os seus arrays de gradiente",
    "state: a new optimizer starts from what an earlier one left behind":
        "estado: um otimizador novo parte do que um anterior deixou",
    "params: an array moves otherwise when it is alone than among others":
        "params: um array move-se de outro modo sozinho que entre outros",
    "one step counts several times, or the arrays share their state":
        "um passo conta várias vezes, ou os arrays dividem o seu estado",
    "the arrays' updates depend on one another": "as atualizações dos arrays dependem entre si",
    "step takes groups of parameters, one list per layer":
        "o passo recebe grupos de parâmetros, uma lista por camada",
    "step returns new arrays and leaves the old ones as they were":
        "o passo devolve arrays novos e deixa os velhos como estavam",
    "no oracle: only what holds for every optimizer was checked":
        "sem oráculo: só se verificou o que vale para todo otimizador",
    "no oracle was named or guessed; only general properties were checked":
        "nenhum oráculo foi dado ou suposto; só propriedades gerais foram verificadas",
    "another form than {}, guessed from the class's name: {}":
        "outra forma que não {}, suposta pelo nome da classe: {}",
    "once the learning rate changes it moves otherwise than {} (the textbook form keeps the old "
    "rate in its velocity)":
        "quando a taxa muda, move-se de outro modo que {} (a forma dos livros guarda a taxa "
        "antiga na velocidade)",
    "random gradients": "gradientes aleatórios",
    "gradients of zero in between": "gradientes zero de permeio",
    "tiny gradients": "gradientes minúsculos",
    "large gradients": "gradientes grandes",
    "many steps": "muitos passos",
    "{}, small": "{}, pequenos",
    "the first step is {} times the right one": "o primeiro passo é {} vezes o certo",
    "the first step goes the opposite way": "o primeiro passo vai no sentido oposto",
    "right until step {}, then it drifts away": "certo até o passo {}, depois afasta-se",
    "wrong from the first step": "errado desde o primeiro passo",
    "wrong only for tiny gradients: the place of eps":
        "errado só para gradientes minúsculos: o lugar de eps",
    "the steps do not change with {}": "os passos não mudam com {}",
    "as if {} were {}": "como se {} fosse {}",
    "the first moment is not bias-corrected": "o primeiro momento não é corrigido",
    "the second moment is not bias-corrected": "o segundo momento não é corrigido",
    "no moment is bias-corrected": "nenhum momento é corrigido",
    "the correction counts one step too many": "a correção conta um passo a mais",
    "the correction of the first moment uses no step count":
        "a correção do primeiro momento não usa o número do passo",
    "the correction of the second moment uses no step count":
        "a correção do segundo momento não usa o número do passo",
    "both corrections use no step count": "nenhuma correção usa o número do passo",
    "the two corrections are exchanged": "as duas correções estão trocadas",
    "the two betas are exchanged": "os dois betas estão trocados",
    "the first moment forgets its past": "o primeiro momento esquece o passado",
    "the second moment forgets its past": "o segundo momento esquece o passado",
    "the first moment adds the whole gradient": "o primeiro momento soma o gradiente inteiro",
    "the second moment adds the whole square": "o segundo momento soma o quadrado inteiro",
    "the first moment uses the second beta": "o primeiro momento usa o segundo beta",
    "the second moment uses the first beta": "o segundo momento usa o primeiro beta",
    "{} and 1 - {} are exchanged": "{} e 1 - {} estão trocados",
    "the second moment averages the gradient, not its square":
        "o segundo momento faz a média do gradiente, não do quadrado",
    "the second moment averages magnitudes, not squares":
        "o segundo momento faz a média de magnitudes, não de quadrados",
    "eps stands inside the root": "eps está dentro da raiz",
    "eps is added before the bias correction": "eps é somado antes da correção",
    "eps is missing": "falta eps",
    "the root of the second moment is missing": "falta a raiz do segundo momento",
    "the gradient stands in place of the first moment": "o gradiente está no lugar do momento",
    "the weight decay is decoupled": "o decaimento dos pesos é desacoplado",
    "the weight decay has the opposite sign": "o decaimento dos pesos tem o sinal trocado",
    "the weight decay is ignored": "o decaimento dos pesos é ignorado",
    "the decay lacks the rate": "falta a taxa no decaimento",
    "the decay is added to the gradient": "o decaimento é somado ao gradiente",
    "the step lacks the gradient itself": "falta no passo o próprio gradiente",
    "{} has no effect": "{} não tem efeito",
    "the weight decay counts twice": "o decaimento dos pesos conta duas vezes",
    "the momentum is ignored": "o momento é ignorado",
    "the velocity forgets its past": "a velocidade esquece o passado",
    "the velocity averages": "a velocidade faz média",
    "the look-ahead lacks the gradient itself": "falta o próprio gradiente no passo à frente",
    "the look-ahead lacks the momentum's factor": "falta o fator do momento no passo à frente",
    "the look-ahead uses the old velocity": "o passo à frente usa a velocidade antiga",
    "the Nesterov step is missing": "falta o passo de Nesterov",
    "the Nesterov step is taken unasked": "o passo de Nesterov é dado sem ser pedido",
    "the average forgets its past": "a média esquece o passado",
    "the average adds the whole square": "a média soma o quadrado inteiro",
    "the squares are summed, not averaged": "os quadrados são somados, sem média",
    "the average is of the gradient, not of its square": "a média é do gradiente, não do quadrado",
    "the root is missing": "falta a raiz",
    "the sum forgets its past": "a soma esquece o passado",
    "the sum is of the gradient, not of its square": "a soma é do gradiente, não do quadrado",
    "the sum is of magnitudes, not of squares": "a soma é de magnitudes, não de quadrados",
    "eps stands outside the roots": "eps está fora das raízes",
    "the second average is of the gradient, not of the step":
        "a segunda média é do gradiente, não do passo",
    "the norm forgets its past": "a norma esquece o passado",
    "eps inside the root": "eps dentro da raiz",
    "eps before the correction": "eps antes da correção",
    "decoupled weight decay": "decaimento dos pesos desacoplado",
    "a velocity that averages": "uma velocidade que faz média",
    "no Nesterov form": "sem a forma de Nesterov",
    "the rate inside the velocity": "a taxa dentro da velocidade",
    "eps outside the roots": "eps fora das raízes",
    "eps outside the maximum": "eps fora do máximo",
    "Dozat's form": "a forma de Dozat",
    "the simple form": "a forma simples",
    "the simple form, eps inside": "a forma simples, eps dentro",
    # last: a sentence and what follows it
    "{}; {}": "{}; {}",
    "{} ({})": "{} ({})",
}  # fmt: skip


@functools.cache
def _compiled():
    """(pattern, template), those with the most fixed words first, the joints last."""
    pairs = []
    for english, portuguese in TEMPLATES.items():
        pattern = re.escape(english).replace(re.escape("{}"), "(.+?)")
        pairs.append((re.compile(pattern, re.DOTALL), portuguese, len(english.replace("{}", ""))))
    return sorted(pairs, key=lambda pair: -pair[2])


def translated(sentence):
    """The sentence in Portuguese; None where no template fits."""
    for pattern, template, _ in _compiled():
        match = pattern.fullmatch(sentence)
        if match:
            parts = [translated(part) or part for part in match.groups()]
            return template.format(*parts) if "{}" in template else template
    return None
