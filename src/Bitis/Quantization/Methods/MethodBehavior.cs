using Bitis.Quantization.Estimators;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.Quantization.Methods;

/// <summary>The behavior of a method with the settings of a recipe.</summary>
public sealed record MethodBehavior
{
    /// <summary>The estimator of the ranges that scales start with.</summary>
    public required IRangeEstimator Estimator { get; init; }

    /// <summary>The granularity of activations, unless a recipe sets another: per tensor or per token.</summary>
    public Granularity Granularity { get; init; } = Granularity.PerTensor;

    /// <summary>Smoothing and learning of the linear layers, block by block; null for neither.</summary>
    public LearningSettings? Learning { get; init; }

    /// <summary>How scans are quantized, in scopes <see cref="Scope.Ssm"/> and <see cref="Scope.Full"/>.</summary>
    public ScanMethod Scan { get; init; } = ScanMethod.Plain;

    /// <summary>
    /// Whether the outputs of scans pass through a Hadamard transform before the next layer quantizes them.
    /// </summary>
    public bool Rotates { get; init; }

    /// <summary>Throws if the parts do not fit together; for registered methods.</summary>
    internal void Validate(string method)
    {
        string? problem = this switch
        {
            { Granularity: not (Granularity.PerTensor or Granularity.PerToken) } =>
                $"activations {Granularity}: expected per tensor or per token",
            { Rotates: true, Learning: not null } =>
                "a rotation and learning: what is learned block by block is not rotated",
            { Estimator: null } => "no estimator of ranges",
            _ => Learning?.Problem,
        };
        if (problem is not null)
            throw new BitisException($"The method '{method}' asks for {problem}.");
    }
}
