using Bitis.Quantization.Estimators;
using Bitis.Quantization.Recipes;
using Bitis.Quantization.Scans;

namespace Bitis.Quantization.Methods;

/// <summary>What a method does, with the settings of a recipe.</summary>
public sealed record MethodBehavior
{
    /// <summary>Decides the ranges that scales start with.</summary>
    public required IRangeEstimator Estimator { get; init; }

    /// <summary>
    /// Which values of an activation share a scale, unless a recipe says otherwise: per tensor or per token.
    /// </summary>
    public Granularity Granularity { get; init; } = Granularity.PerTensor;

    /// <summary>How the linear layers of blocks are smoothed and learned, block by block; null for neither.</summary>
    public LearningSettings? Learning { get; init; }

    /// <summary>
    /// How the inside of a scan is quantized, in scopes <see cref="Scope.Ssm"/> and <see cref="Scope.Full"/>.
    /// </summary>
    public ScanMethod Scan { get; init; } = ScanMethod.Plain;

    /// <summary>
    /// Whether what scans compute passes through a Hadamard transform before the layer that reads it quantizes it.
    /// </summary>
    public bool Rotates { get; init; }

    /// <summary>Throws if the parts do not go together; for methods from outside.</summary>
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
