namespace Bitis.Quantization;

/// <summary>Which sites of a model a recipe quantizes.</summary>
public enum Scope
{
    /// <summary>The linear layers of the blocks: their weights and their inputs (PTQ4VM's scope).</summary>
    Linear,

    /// <summary>As <see cref="Linear"/>, and what is inside of the selective scans: u, Δ, Ā, B, C and the hidden states (QMamba's scope).</summary>
    Ssm,
}
