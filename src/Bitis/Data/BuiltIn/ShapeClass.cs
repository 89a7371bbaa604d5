namespace Bitis.Data.BuiltIn;

/// <summary>The classes of the built-in set, in the order of their labels.</summary>
/// <remarks>Each has a similar class that is easily confused with it.</remarks>
internal enum ShapeClass
{
    /// <summary>Three sides; like an arrow's head without the shaft.</summary>
    Triangle,

    /// <summary>Four sides.</summary>
    Square,

    /// <summary>Five sides.</summary>
    Pentagon,

    /// <summary>Six sides.</summary>
    Hexagon,

    /// <summary>Five points.</summary>
    FivePointedStar,

    /// <summary>Six points.</summary>
    SixPointedStar,

    /// <summary>A disc from which a smaller disc is cut.</summary>
    Crescent,

    /// <summary>A part of a ring, of the same width everywhere.</summary>
    Arc,

    /// <summary>Two bars across each other.</summary>
    Cross,

    /// <summary>A triangle on a shaft.</summary>
    Arrow,
}
