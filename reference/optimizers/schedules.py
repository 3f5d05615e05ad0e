"""Schedules: the learning rate of each step, and of some the momentum too (section 6.1.2)."""

import bisect
import math

from reference import _checks


class Schedule:
    """A learning rate for each step: `schedule(t)`, with t = 0, 1, 2, ...

    A subclass writes `rate(t)`; `advance` and `resume` say what becomes of it in
    `ChainedScheduler` and `SequentialLR`.
    """

    def __init__(self, learning_rate):
        self.learning_rate = _checks.check_nonnegative(self, learning_rate=learning_rate)

    def __call__(self, t):
        return self.rate(_checks.check_nonnegative(self, method="__call__", t=t))

    def rate(self, t):
        raise NotImplementedError(f"{type(self).__name__} does not define rate")

    def advance(self, rate, t):
        """The rate of step t after `rate`, which others may have changed, in step t - 1."""
        return self.rate(t)

    def resume(self, rate, t):
        """The rate of step t where this schedule took over from `rate` in its step 0."""
        return self.rate(t)


class FactorSchedule(Schedule):
    """A constant times `factor(t)`, whose ratios multiply the rates of others."""

    def factor(self, t):
        raise NotImplementedError(f"{type(self).__name__} does not define factor")

    def rate(self, t):
        return self.learning_rate * self.factor(t)

    def ratio(self, t):
        """factor(t) / factor(t - 1)."""
        before, now = self.factor(t - 1), self.factor(t)
        return 1.0 if now == before else now / before

    def advance(self, rate, t):
        return rate * (self.ratio(t) if t else self.factor(t))


class DecaySchedule(FactorSchedule):
    """A constant times gamma to the number of times that the rate has fallen: `falls(t)`."""

    def __init__(self, learning_rate, gamma):
        super().__init__(learning_rate)
        self.gamma = _checks.check_number(self, gamma=gamma)

    def falls(self, t):
        raise NotImplementedError(f"{type(self).__name__} does not define falls")

    def factor(self, t):
        return self.gamma ** self.falls(t)

    def ratio(self, t):
        return self.gamma ** (self.falls(t) - self.falls(t - 1))


class LambdaLR(Schedule):
    """The rate times a given function of the step.

    Formula: rate(t) = learning_rate lr_lambda(t)
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for a function that cannot be called or a rate that is no number,
        ValueError for a negative rate or t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.LambdaLR. No difference; each group has a schedule of its
        own.
    """

    def __init__(self, learning_rate, lr_lambda):
        super().__init__(learning_rate)
        self.lr_lambda = _checks.check_callable(self, lr_lambda=lr_lambda)

    def rate(self, t):
        return self.learning_rate * self.lr_lambda(t)


class MultiplicativeLR(Schedule):
    """The rate of the last step times a given function of this one.

    Formula: rate(0) = learning_rate, rate(t) = rate(t - 1) lr_lambda(t)
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for a function that cannot be called or a t that is no integer,
        ValueError for a negative rate or t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.MultiplicativeLR. No difference. Where it takes over in a
        SequentialLR, it goes on from the rate before, times lr_lambda(0).
    """

    def __init__(self, learning_rate, lr_lambda):
        super().__init__(learning_rate)
        self.lr_lambda = _checks.check_callable(self, lr_lambda=lr_lambda)
        self.rates = [learning_rate]

    def rate(self, t):
        _checks.check_integer(self, minimum=0, method="__call__", t=t)
        while len(self.rates) <= t:
            self.rates.append(self.rates[-1] * self.lr_lambda(len(self.rates)))
        return self.rates[t]

    def advance(self, rate, t):
        return rate * self.lr_lambda(t) if t else rate

    def resume(self, rate, t):
        for place in range(t + 1):
            rate *= self.lr_lambda(place)
        return rate


class StepLR(DecaySchedule):
    """The rate falls by a factor every `step_size` steps.

    Formula: rate(t) = learning_rate gamma^floor(t / step_size)
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.StepLR, which multiplies step by step and so rounds
        differently.
    """

    def __init__(self, learning_rate, step_size, gamma=0.1):
        super().__init__(learning_rate, gamma)
        self.step_size = _checks.check_integer(self, step_size=step_size)

    def falls(self, t):
        return t // self.step_size


class MultiStepLR(DecaySchedule):
    """The rate falls by a factor at each milestone.

    Formula: rate(t) = learning_rate gamma^(the number of milestones <= t, repeated ones as often)
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.MultiStepLR, which multiplies step by step and so rounds
        differently.
    """

    def __init__(self, learning_rate, milestones, gamma=0.1):
        super().__init__(learning_rate, gamma)
        milestones = _checks.check_axes(self, minimum_axes=0, milestones=milestones)
        self.milestones = sorted(milestones)

    def falls(self, t):
        return bisect.bisect_right(self.milestones, t)


class ConstantLR(FactorSchedule):
    """A reduced rate for the first `total_iters` steps.

    Formula: rate(t) = learning_rate factor for t < total_iters, learning_rate afterwards
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.ConstantLR, which divides by the factor again and so rounds
        differently; with a factor of 0 its rate stays 0 or it divides by zero. total_iters = 0,
        of which its two forms make two things, is refused.
    """

    def __init__(self, learning_rate, factor=1 / 3, total_iters=5):
        super().__init__(learning_rate)
        self.reduction = _checks.check_fraction(self, factor=factor)
        self.total_iters = _checks.check_integer(self, total_iters=total_iters)

    def factor(self, t):
        return self.reduction if t < self.total_iters else 1.0


class LinearLR(FactorSchedule):
    """A rate that goes straight from one factor to another: a warm-up.

    Formula: rate(t) = learning_rate (a + (b - a) min(t, total_iters) / total_iters)
        with a = start_factor and b = end_factor.
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: Goyal and others (2017), Accurate, large minibatch SGD, section 2.2, arXiv 1706.02677.
    PyTorch: torch.optim.lr_scheduler.LinearLR, which multiplies step by step and so rounds
        differently.
    """

    def __init__(self, learning_rate, start_factor=1 / 3, end_factor=1.0, total_iters=5):
        super().__init__(learning_rate)
        self.start_factor = _checks.check_fraction(self, start_factor=start_factor)
        _checks.check_positive(self, start_factor=start_factor)
        self.end_factor = _checks.check_fraction(self, end_factor=end_factor)
        self.total_iters = _checks.check_integer(self, total_iters=total_iters)

    def factor(self, t):
        rise = self.end_factor - self.start_factor
        return self.start_factor + rise * min(self.total_iters, t) / self.total_iters


class ExponentialLR(DecaySchedule):
    """The rate falls by a factor every step.

    Formula: rate(t) = learning_rate gamma^t
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.ExponentialLR, which multiplies step by step and so rounds
        differently.
    """

    def falls(self, t):
        return t


class PolynomialLR(FactorSchedule):
    """The rate falls to 0 in `total_iters` steps, along a power.

    Formula: rate(t) = learning_rate (1 - min(t, total_iters) / total_iters)^power
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.PolynomialLR, which multiplies step by step and so rounds
        differently.
    """

    def __init__(self, learning_rate, total_iters=5, power=1.0):
        super().__init__(learning_rate)
        self.total_iters = _checks.check_integer(self, total_iters=total_iters)
        self.power = _checks.check_nonnegative(self, power=power)

    def factor(self, t):
        return (1.0 - min(self.total_iters, t) / self.total_iters) ** self.power


class CosineAnnealingLR(Schedule):
    """Half a cosine from the rate down to `eta_min`, and up again.

    Formula: rate(t) = eta_min + (learning_rate - eta_min) (1 + cos(pi t / T_max)) / 2
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: Loshchilov, Hutter (2017), SGDR: stochastic gradient descent with warm restarts,
        ICLR, arXiv 1608.03983.
    PyTorch: torch.optim.lr_scheduler.CosineAnnealingLR, which goes from step to step and so
        rounds differently. After T_max both rise again.
    """

    def __init__(self, learning_rate, T_max, eta_min=0.0):
        super().__init__(learning_rate)
        self.T_max = _checks.check_integer(self, T_max=T_max)
        self.eta_min = _checks.check_number(self, eta_min=eta_min)

    def rate(self, t):
        return self.eta_min + (self.learning_rate - self.eta_min) * self.height(t)

    def height(self, t):
        """From 1 at the start to 0 after T_max steps."""
        # (1 + cos x) / 2 as the square of a sine, which cancels nowhere.
        left = self.T_max - t % (2 * self.T_max)
        return math.sin(math.pi * left / (2 * self.T_max)) ** 2

    def advance(self, rate, t):
        if t == 0:
            return rate
        if (t - 1) % (2 * self.T_max) == self.T_max:
            # From the bottom, where there is no ratio, the first step up is that of the curve.
            return rate + (self.learning_rate - self.eta_min) * self.height(t)
        return self.eta_min + self.height(t) / self.height(t - 1) * (rate - self.eta_min)


class CosineAnnealingWarmRestarts(Schedule):
    """Half cosines from the rate down to `eta_min`, each `T_mult` times longer than the last.

    Formula: rate(t) = eta_min + (learning_rate - eta_min) (1 + cos(pi u / T)) / 2
        with T = T_0 T_mult^k the length of the k-th period and u the steps since its start.
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: Loshchilov, Hutter (2017), SGDR: stochastic gradient descent with warm restarts,
        ICLR, arXiv 1608.03983.
    PyTorch: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts. No difference from its step().
        Its step(epoch) finds k by a logarithm, which may miss a restart by rounding
        (T_mult = 3, k = 5).
    """

    def __init__(self, learning_rate, T_0, T_mult=1, eta_min=0.0):
        super().__init__(learning_rate)
        self.T_0 = _checks.check_integer(self, T_0=T_0)
        self.T_mult = _checks.check_integer(self, T_mult=T_mult)
        self.eta_min = _checks.check_number(self, eta_min=eta_min)

    def rate(self, t):
        period = self.T_0
        if self.T_mult == 1:
            t = t % period
        while t >= period:
            t, period = t - period, period * self.T_mult
        height = (1 + math.cos(math.pi * t / period)) / 2
        return self.eta_min + (self.learning_rate - self.eta_min) * height


class CyclicLR(Schedule):
    """The rate climbs and falls between two bounds, again and again; the momentum contrariwise.

    Formula: rate(t) = base_lr + (max_lr - base_lr) h s
        momentum(t) = max_momentum - (max_momentum - base_momentum) h s
        with h the height of a triangle: 0 at the start of a cycle, 1 after step_size_up steps, 0
        after step_size_down more; and s = 1 for mode "triangular", 1 / 2^(c - 1) in the c-th
        cycle for "triangular2", gamma^t for "exp_range", or scale_fn of c (scale_mode "cycle")
        or t ("iterations").
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number or a function that cannot be called,
        ValueError for an option out of range or a negative t; RuntimeError for the momentum
        without cycle_momentum.
    Book: not in the book; beside section 6.1.2.
    Paper: Smith (2017), Cyclical learning rates for training neural networks,
        DOI 10.1109/WACV.2017.58.
    PyTorch: torch.optim.lr_scheduler.CyclicLR. No difference; the momentum is given, not set: it
        belongs into the group's momentum or the first of its betas.
    """

    def __init__(
        self,
        base_lr,
        max_lr,
        step_size_up=2000,
        step_size_down=None,
        mode="triangular",
        gamma=1.0,
        scale_fn=None,
        scale_mode="cycle",
        cycle_momentum=True,
        base_momentum=0.8,
        max_momentum=0.9,
    ):
        super().__init__(_checks.check_number(self, base_lr=base_lr))
        self.max_lr = _checks.check_number(self, max_lr=max_lr)
        self.step_size_up = _checks.check_positive(self, step_size_up=step_size_up)
        if step_size_down is None:
            step_size_down = step_size_up
        self.step_size_down = _checks.check_nonnegative(self, step_size_down=step_size_down)
        gamma = _checks.check_number(self, gamma=gamma)
        _checks.check_choice(self, ("triangular", "triangular2", "exp_range"), mode=mode)
        _checks.check_choice(self, ("cycle", "iterations"), scale_mode=scale_mode)
        # The scale of a mode, and what it is a function of.
        self.scale, self.scale_mode = {
            "triangular": (lambda cycle: 1.0, "cycle"),
            "triangular2": (lambda cycle: 1 / 2.0 ** (cycle - 1), "cycle"),
            "exp_range": (lambda t: gamma**t, "iterations"),
        }[mode]
        if scale_fn is not None:
            self.scale = _checks.check_callable(self, scale_fn=scale_fn)
            self.scale_mode = scale_mode
        self.cycle_momentum = _checks.check_flag(self, cycle_momentum=cycle_momentum)
        self.base_momentum = _checks.check_number(self, base_momentum=base_momentum)
        self.max_momentum = _checks.check_number(self, max_momentum=max_momentum)

    def rate(self, t):
        return self.learning_rate + self.height(self.max_lr - self.learning_rate, t)

    def momentum(self, t):
        """The momentum of step t."""
        _checks.check_enabled(self, "momentum", cycle_momentum=self.cycle_momentum)
        return self.max_momentum - self.height(self.max_momentum - self.base_momentum, t)

    def height(self, amplitude, t):
        """The height at step t of triangles of this amplitude."""
        total = self.step_size_up + self.step_size_down
        summit = self.step_size_up / total
        cycle = math.floor(1 + t / total)
        place = 1.0 + t / total - cycle
        height = place / summit if place <= summit else (place - 1) / (summit - 1)
        return amplitude * height * self.scale(cycle if self.scale_mode == "cycle" else t)


class OneCycleLR(Schedule):
    """One climb to `max_lr` and a long descent; the momentum falls and climbs.

    Formula: rate: from max_lr / div_factor to max_lr in the first pct_start of the steps, then to
        max_lr / div_factor / final_div_factor; momentum: from max_momentum to base_momentum and
        back. With three_phase, as long a descent to max_lr / div_factor stands between, and the
        momentum is back after it.
        Between a and b, at the part u of the way: b + (a - b) (1 + cos(pi u)) / 2 for
        anneal_strategy "cos", a + (b - a) u for "linear".
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for an option out of range or a
        step after the last; RuntimeError for the momentum without cycle_momentum.
    Book: not in the book; beside section 6.1.2.
    Paper: Smith, Topin (2018), Super-convergence: very fast training of neural networks using
        large learning rates, arXiv 1708.07120, which has the three phases.
    PyTorch: torch.optim.lr_scheduler.OneCycleLR. No difference: step total_steps, one beyond the
        last, is allowed, and there the cosine turns back. Where a phase ends in step 0 PyTorch
        divides by zero; here it is over. The momentum is given, not set: it belongs into the
        group's momentum or the first of its betas.
    """

    def __init__(
        self,
        max_lr,
        total_steps=None,
        epochs=None,
        steps_per_epoch=None,
        pct_start=0.3,
        anneal_strategy="cos",
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase=False,
    ):
        if total_steps is None:
            epochs = _checks.check_integer(self, epochs=epochs)
            total_steps = epochs * _checks.check_integer(self, steps_per_epoch=steps_per_epoch)
        else:
            _checks.check_absent(self, "beside total_steps", method="__init__", epochs=epochs)
            spare = {"steps_per_epoch": steps_per_epoch}
            _checks.check_absent(self, "beside total_steps", method="__init__", **spare)
        self.total_steps = _checks.check_integer(self, total_steps=total_steps)
        max_lr = _checks.check_nonnegative(self, max_lr=max_lr)
        initial_lr = max_lr / _checks.check_positive(self, div_factor=div_factor)
        min_lr = initial_lr / _checks.check_positive(self, final_div_factor=final_div_factor)
        super().__init__(initial_lr)
        low = _checks.check_number(self, base_momentum=base_momentum)
        high = _checks.check_number(self, max_momentum=max_momentum)
        self.cycle_momentum = _checks.check_flag(self, cycle_momentum=cycle_momentum)
        self.anneal = {"cos": anneal_by_cosine, "linear": anneal_in_line}[
            _checks.check_choice(self, ("cos", "linear"), anneal_strategy=anneal_strategy)
        ]
        # The last step of each phase, and the rates and the momenta between which it goes.
        first = _checks.check_fraction(self, pct_start=pct_start) * self.total_steps - 1
        last = self.total_steps - 1
        self.phases = [
            (first, (initial_lr, max_lr), (high, low)),
            (last, (max_lr, min_lr), (low, high)),
        ]
        if _checks.check_flag(self, three_phase=three_phase):
            second = 2 * pct_start * self.total_steps - 2
            self.phases[1:] = [
                (second, (max_lr, initial_lr), (low, high)),
                (last, (initial_lr, min_lr), (high, high)),
            ]

    def rate(self, t):
        (start, end), _, part = self.phase(t)
        return self.anneal(start, end, part)

    def momentum(self, t):
        """The momentum of step t."""
        _checks.check_enabled(self, "momentum", cycle_momentum=self.cycle_momentum)
        _, (start, end), part = self.phase(t)
        return self.anneal(start, end, part)

    def phase(self, t):
        """The rates and the momenta between which step t lies, and its part of the way."""
        _checks.check_number_within(self, 0, self.total_steps, method="__call__", t=t)
        ends = [end for end, _, _ in self.phases]
        index = bisect.bisect_left(ends[:-1], t)
        end, rates, momenta = self.phases[index]
        begin = ends[index - 1] if index else 0
        return rates, momenta, (t - begin) / (end - begin) if end != begin else 1.0


class SWALR(Schedule):
    """From the rate to `swa_lr` in `anneal_epochs` steps, where it stays.

    Formula: rate(t) = a swa_lr + (1 - a) learning_rate
        with u = min(1, t / anneal_epochs), and a = (1 - cos(pi u)) / 2 for anneal_strategy
        "cos", u for "linear".
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range or a negative
        t.
    Book: not in the book; beside section 6.1.2.
    Paper: Izmailov, Podoprikhin, Garipov, Vetrov, Wilson (2018), Averaging weights leads to
        wider optima and better generalization, UAI, arXiv 1803.05407.
    PyTorch: torch.optim.swa_utils.SWALR, which goes from step to step and so rounds differently.
        With anneal_epochs = 0 both are at swa_lr at once.
    """

    def __init__(self, learning_rate, swa_lr, anneal_epochs=10, anneal_strategy="cos"):
        super().__init__(learning_rate)
        self.swa_lr = _checks.check_number(self, swa_lr=swa_lr)
        self.anneal_epochs = _checks.check_integer(self, minimum=0, anneal_epochs=anneal_epochs)
        _checks.check_choice(self, ("cos", "linear"), anneal_strategy=anneal_strategy)
        self.anneal_strategy = anneal_strategy

    def rate(self, t):
        return self.resume(self.learning_rate, t)

    def share(self, t):
        """How far it has come at step t, from 0 to 1."""
        part = min(1.0, t / self.anneal_epochs) if self.anneal_epochs else 1.0
        return (1 - math.cos(math.pi * part)) / 2 if self.anneal_strategy == "cos" else part

    def advance(self, rate, t):
        before = self.share(t - 1) if t else 0.0
        if before == 1:
            return self.swa_lr
        return self.resume((rate - before * self.swa_lr) / (1 - before), t)

    def resume(self, rate, t):
        share = self.share(t)
        return self.swa_lr * share + rate * (1 - share)


class SequentialLR(Schedule):
    """One schedule after another, each from its own step 0.

    Formula: rate(t) = schedulers[i](t - m), with i the number of milestones <= t and m the last of
        them.
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an entry that is no schedule, ValueError for a number of milestones other
        than one less than the schedules, or milestones that fall; for a negative t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.SequentialLR. No difference, as long as its schedulers agree
        on the optimizer's first rate (OneCycleLR sets its own for all).
    """

    def __init__(self, schedulers, milestones):
        _checks.check_instances(self, Schedule, schedulers=schedulers)
        _checks.check_milestones(self, len(schedulers) - 1, milestones=milestones)
        super().__init__(schedulers[0].learning_rate)
        self.schedulers, self.milestones = list(schedulers), list(milestones)

    def place(self, t):
        """The schedule of step t and its own step; whether it took over from another."""
        index = bisect.bisect_right(self.milestones, t)
        begin = self.milestones[index - 1] if index else 0
        return self.schedulers[index], t - begin, begin > 0

    def rate(self, t):
        schedule, own, follows = self.place(t)
        return schedule.resume(self.rate(t - own - 1), own) if follows else schedule.rate(own)

    def advance(self, rate, t):
        schedule, own, follows = self.place(t)
        return schedule.resume(rate, 0) if follows and own == 0 else schedule.advance(rate, own)


class ChainedScheduler(Schedule):
    """Several schedules at once, each changing the rate that the one before leaves.

    Formula: rate(t): from rate(t - 1), each schedule in turn multiplies by its own ratio
        factor(t) / factor(t - 1); one that is no constant times a factor sets its own rate.
    Derivative: none.
    Shapes: t is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an entry that is no schedule or a t that is no integer, ValueError for an
        empty list or a negative t.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.ChainedScheduler. No difference but in rounding.
    """

    def __init__(self, schedulers):
        _checks.check_instances(self, Schedule, schedulers=schedulers)
        super().__init__(schedulers[0].learning_rate)
        self.schedulers = list(schedulers)
        self.rates = []

    def rate(self, t):
        _checks.check_integer(self, minimum=0, method="__call__", t=t)
        while len(self.rates) <= t:
            before = self.rates[-1] if self.rates else self.learning_rate
            self.rates.append(self.advance(before, len(self.rates)))
        return self.rates[t]

    def advance(self, rate, t):
        for schedule in self.schedulers:
            rate = schedule.advance(rate, t)
        return rate


class ReduceLROnPlateau:
    """The rate falls by a factor once a metric has not got better for a while.

    Formula: step(metric) counts the steps in a row in which the metric was not better than the best
        by the threshold; once they are more than `patience`, the rate becomes
        max(factor learning_rate, min_lr) if that is lower by more than eps, and the count starts
        again; the next `cooldown` steps do not count.
        Better is, for mode "min", metric < best (1 - threshold) for threshold_mode "rel" and
        metric < best - threshold for "abs"; for mode "max", metric > best (1 + threshold) and
        metric > best + threshold.
    Derivative: none.
    Shapes: the metric is a number, the rate too.
    Dtypes: Python's float.
    Errors: TypeError for an option that is no number, ValueError for one out of range.
    Book: not in the book; beside section 6.1.2.
    Paper: none; a common schedule.
    PyTorch: torch.optim.lr_scheduler.ReduceLROnPlateau. No difference: a metric of NaN is no
        better, and a relative threshold asks for less, not more, of a negative best.
    """

    def __init__(
        self,
        learning_rate,
        mode="min",
        factor=0.1,
        patience=10,
        threshold=1e-4,
        threshold_mode="rel",
        cooldown=0,
        min_lr=0.0,
        eps=1e-8,
    ):
        self.learning_rate = _checks.check_nonnegative(self, learning_rate=learning_rate)
        self.mode = _checks.check_choice(self, ("min", "max"), mode=mode)
        self.factor = _checks.check_number(self, factor=factor)
        _checks.check_below(self, ("1", 1), factor=factor)
        self.patience = _checks.check_number(self, patience=patience)
        self.threshold = _checks.check_number(self, threshold=threshold)
        _checks.check_choice(self, ("rel", "abs"), threshold_mode=threshold_mode)
        self.threshold_mode = threshold_mode
        self.cooldown = _checks.check_number(self, cooldown=cooldown)
        self.min_lr = _checks.check_number(self, min_lr=min_lr)
        self.eps = _checks.check_number(self, eps=eps)
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_steps = self.cooldown_left = 0

    def step(self, metric):
        """Take in the metric of a step; returns the rate of the next."""
        metric = float(metric)
        self.bad_steps += 1
        if self.is_better(metric):
            self.best, self.bad_steps = metric, 0
        if self.cooldown_left > 0:
            self.cooldown_left, self.bad_steps = self.cooldown_left - 1, 0
        if self.bad_steps > self.patience:
            reduced = max(self.learning_rate * self.factor, self.min_lr)
            if self.learning_rate - reduced > self.eps:
                self.learning_rate = reduced
            self.cooldown_left, self.bad_steps = self.cooldown, 0
        return self.learning_rate

    def is_better(self, metric):
        """Whether a metric beats the best one by the threshold."""
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            bar = self.best * (1.0 + sign * self.threshold)
        else:
            bar = self.best + sign * self.threshold
        return metric > bar if self.mode == "max" else metric < bar


def anneal_by_cosine(start, end, part):
    return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def anneal_in_line(start, end, part):
    return (end - start) * part + start
