using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;

namespace Bitis.Reconstruction;

/// <summary>AdamW (Loshchilov and Hutter, 2019) over the scales, zero points and smoothing of a block.</summary>
internal sealed class ScaleOptimizer
{
    private const double Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8;

    /// <summary>The smallest scale that learning may reach.</summary>
    private const float SmallestScale = 1e-8f;

    private readonly LearningSettings _settings;
    private readonly List<Group> _groups = [];

    /// <summary>Starts with moments of zero.</summary>
    public ScaleOptimizer(IEnumerable<LearnedValues> learned, LearningSettings settings)
    {
        _settings = settings;
        foreach (LearnedValues values in learned)
        {
            (double rate, bool inLogarithms) = values.Kind switch
            {
                LearnedKind.WeightScale => (settings.WeightRate, settings.InLogarithms),
                LearnedKind.ActivationScale => (settings.ActivationRate, settings.InLogarithms),
                LearnedKind.ZeroPoint => (settings.ZeroPointRate, false),
                LearnedKind.Smoothing => (settings.SmoothingRate, settings.InLogarithms),
                _ => (settings.ScanRate, true), // scales of all magnitudes
            };
            if (rate > 0)
                _groups.Add(new Group(values.Values, values.Gradient, rate, inLogarithms));
        }
    }

    /// <summary>Changes everything by the gradients of the last run.</summary>
    /// <param name="step">Counted from 1.</param>
    public void Step(int step)
    {
        double rate = _settings.Anneals ? 0.5 * (1 + Math.Cos(Math.PI * (step - 1) / _settings.Steps)) : 1;
        double factor = 1;
        if (_settings.ClipNorm > 0)
        {
            double norm = Math.Sqrt(_groups.Sum(group => group.Gradient.Sum(g => (double)g * g)));
            factor = Math.Min(1, _settings.ClipNorm / (norm + 1e-6));
        }
        foreach (Group group in _groups)
            Update(group, step, group.Rate * rate, factor);
    }

    private void Update(Group group, int step, double rate, double factor)
    {
        double correction1 = 1 - Math.Pow(Beta1, step), correction2 = 1 - Math.Pow(Beta2, step);
        for (int i = 0; i < group.Values.Length; i++)
        {
            double value = group.Values[i], gradient = group.Gradient[i] * factor;
            if (group.InLogarithms)
                gradient *= value; // ∂L/∂ln v
            group.First[i] = (Beta1 * group.First[i]) + ((1 - Beta1) * gradient);
            group.Second[i] = (Beta2 * group.Second[i]) + ((1 - Beta2) * gradient * gradient);
            double change = rate * (group.First[i] / correction1) / (
                Math.Sqrt(group.Second[i] / correction2) + Epsilon);
            group.Values[i] = group.InLogarithms
                ? (float)(value * Math.Exp(-change))
                : (float)((value * (1 - (rate * _settings.WeightDecay))) - change);
            if (group.IsPositive)
                group.Values[i] = Math.Max(group.Values[i], SmallestScale);
        }
    }

    /// <summary>Values with one learning rate.</summary>
    private sealed record Group(float[] Values, float[] Gradient, double Rate, bool InLogarithms)
    {
        public bool IsPositive { get; } = Values.All(value => value > 0);

        public double[] First { get; } = new double[Values.Length];

        public double[] Second { get; } = new double[Values.Length];
    }
}
