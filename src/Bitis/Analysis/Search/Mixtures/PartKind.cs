namespace Bitis.Analysis.Search.Mixtures;

/// <summary>What the layers or scans of a part are.</summary>
internal enum PartKind
{
    /// <summary>Linear layers.</summary>
    Linear,

    /// <summary>Selective scans.</summary>
    Scan,

    /// <summary>Other layers, such as convolutions.</summary>
    Other,
}
