namespace Bitis.Reconstruction;

/// <summary>Numbers that are learned in the same way.</summary>
/// <param name="Kind">The kind of the numbers.</param>
/// <param name="Values">The numbers; the optimizer changes them.</param>
internal sealed record LearnedValues(LearnedKind Kind, float[] Values)
{
    /// <summary>∂L/∂ each of them in the last step.</summary>
    public float[] Gradient { get; } = new float[Values.Length];
}
